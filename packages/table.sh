#!/bin/sh
# Writes the table of docs/packages.md: what the recipes say, and what the receipts of builds in CACHE… measured.
# Usage: packages/table.sh CACHE… > table.md
set -eu
here=$(dirname "$0")

# A line for each package that was built: name, version, milliseconds, bytes, what became of the tests; the newest receipt counts.
receipts() {
    for cache; do
        find "$cache/builds" -name receipt.json -printf '%T@ %p\n'
    done | sort -n | while read -r _ file; do
        awk -F'"' '
            /^  "package":/ { name = $4 }
            /^  "version":/ { version = $4 }
            /^  "check":/ { check = $4 }
            /"wall_ms":/ { gsub(/[^0-9]/, ""); time += $0 }
            /"size_bytes":/ { gsub(/[^0-9]/, ""); size += $0 }
            END { printf "built|%s|%s|%d|%d|%s\n", name, version, time, size, check }' "$file"
    done
}

# A line for each recipe.
recipes() {
    for file in "$here"/*/*/package.yml; do
        awk '
            function value() { sub(/^[^:]*: */, ""); gsub(/^"|"$/, ""); return $0 }
            /^name:/ { name = value() }
            /^version:/ { version = value() }
            /^release:/ { release = value() }
            /^tier:/ { tier = value() }
            /^license:/ { license = value() }
            /^  enabled: false/ { off = 1 }
            /^  reason:/ { reason = value() }
            END { printf "recipe|%s|%s-%s|%s|%s|%s|%s\n", name, version, release, tier, license, off, reason }' "$file"
    done
}

{ receipts "$@"; recipes; } | awk -F'|' '
    BEGIN {
        print "| Package | Version | Tier | Licence | Built in | Archives | Tests |"
        print "|---|---|---|---|---:|---:|---|"
    }
    $1 == "built" { time[$2, $3] = $4; size[$2, $3] = $5; check[$2, $3] = $6; next }
    {
        built = ($2, $3) in time
        # A receipt that says "disabled" is older than what the recipe says. "passed" alone is the whole suite of upstream; a reason says what was tested instead.
        tests = $6 ? "off" : built && check[$2, $3] != "disabled" ? check[$2, $3] : ""
        if ($7 != "") tests = tests (tests != "" ? ": " : "") $7
        printf "| %s | %s | %s | %s | %s | %s | %s |\n", $2, $3, $4, $5, \
            built ? sprintf("%.0f s", time[$2, $3] / 1000) : "no receipt", built ? sprintf("%.0f KiB", size[$2, $3] / 1024) : "", tests
    }'
