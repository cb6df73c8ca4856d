#!/bin/sh
# How many of the fields of a catalogue are mapped or known to have no counterpart.
#
#   docs/coverage.sh CATALOGUE [SCMP_GATEWAY]
#
# CATALOGUE is a folder with request_fields.tsv and reply_fields.tsv: tables with a heading, of which the columns
# scmp_name and tier are read. Fields of tier 1 and 2 count. SCMP_GATEWAY is the program; `cargo run` where it is not
# said. Exits 1 and names the fields where some are neither mapped nor listed in docs/unsupported.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
catalogue=${1:?usage: docs/coverage.sh CATALOGUE [SCMP_GATEWAY]}
export=$(mktemp)
trap 'rm -f "$export"' EXIT
if [ $# -gt 1 ]; then
    "$2" mappings export >"$export"
else
    (cd "$root" && cargo run --quiet --locked -- mappings export) >"$export"
fi

# Of one direction: the exported fields, then the documented ones, then the catalogue.
count() {
    awk -F '\t' -v direction="$1" '
        FILENAME == ARGV[1] {
            if (index($0, "\"direction\":\"" direction "\"") && match($0, /"field":"[^"]*"/)) {
                name = substr($0, RSTART + 9, RLENGTH - 10)
                if (!index($0, "\"path\":\"@none\"")) mapped[name] = 1
            }
            next
        }
        FILENAME == ARGV[2] {
            if (match($0, /^- `[a-z0-9_]*`/)) { listed[substr($0, RSTART + 3, RLENGTH - 4)] = 1 }
            next
        }
        FNR == 1 {
            for (at = 1; at <= NF; at++) column[$at] = at
            next
        }
        $column["tier"] == 1 || $column["tier"] == 2 {
            name = $column["scmp_name"]
            all++
            if (name in mapped) { yes++ } else if (name in listed) { no++ } else { missing[name] = 1; lost++ }
        }
        END {
            printf "%s fields of tier 1 and 2: %d, mapped %d, listed as unsupported %d, neither %d\n", direction, all, yes, no, lost
            for (name in missing) print "  " name
            exit lost > 0
        }
    ' "$export" "$root/docs/unsupported.md" "$catalogue/$2"
}

status=0
count request request_fields.tsv || status=1
count reply reply_fields.tsv || status=1
exit $status
