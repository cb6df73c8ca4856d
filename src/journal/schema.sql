create table units (
    id text primary key,
    merchant text not null,
    key text,
    state text not null,
    owner text not null,
    version bigint not null,
    due bigint,
    begun bigint not null,
    doc text not null
);
create unique index units_by_key on units (merchant, key) where key is not null;
create index units_due on units (due) where due is not null;
create index units_by_state on units (state) where state <> 'finished';
create index units_begun on units (begun);
create table made (
    merchant text not null,
    id text not null,
    kind text not null,
    begun bigint not null,
    primary key (merchant, id)
);
create index made_begun on made (begun);
create table gateways (
    owner text primary key,
    alive_until bigint not null
);
