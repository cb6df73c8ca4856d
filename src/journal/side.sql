create table side (
    merchant text not null,
    place text not null,
    reference text not null,
    key_id text not null,
    sealed bytea not null,
    due bigint,
    primary key (merchant, place, reference)
);
create index side_by_place on side (merchant, lower(place));
create index side_due on side (due) where due is not null;
