#!/bin/sh
# page.sh OUT PAGE.html PAGE.css PART.js...: puts the page of `rill report` together: OUT/report-head.html
# up to the line @DATA@, where the summary goes, and OUT/report-script.html from there on. The page allows the browser nothing but this one
# style and this one script, which it names by their hashes.
set -eu
out=$1 page=$2 style=$3
shift 3
hash() { sha256sum "$1" | cut -c 1-64 | tr a-f A-F | basenc --base16 -d | basenc --base64; }
trap 'rm -f "$out/report.css" "$out/report.js"' EXIT
# As they will stand between their tags: with the line break behind the opening one.
{ echo; cat "$style"; } >"$out/report.css"
{ echo; echo '"use strict";'; cat "$@"; } >"$out/report.js"
if grep -q '</script' "$out/report.js"; then
	echo "page.sh: a script would end its element" >&2
	exit 1
fi
policy="default-src 'none'; style-src 'sha256-$(hash "$out/report.css")'; script-src 'sha256-$(hash "$out/report.js")'"
assemble() {
	while IFS= read -r line; do
		case $line in
		*@POLICY@*) printf '%s%s%s\n' "${line%%@POLICY@*}" "$policy" "${line#*@POLICY@}" ;;
		*@STYLE@*) printf '<style>' && cat "$out/report.css" && echo '</style>' ;;
		*@SCRIPT@*) printf '<script>' && cat "$out/report.js" && echo '</script>' ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
}
sed '/@DATA@/,$d' "$page" | assemble >"$out/report-head.html.new"
sed '1,/@DATA@/d' "$page" | assemble >"$out/report-script.html"
mv "$out/report-head.html.new" "$out/report-head.html"
