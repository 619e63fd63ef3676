#!/bin/bash
# lint.sh BUILD FILE...: clang-format, codespell, cppcheck and clang-tidy over these files. Silent when
# they are clean.
set -u
build=$1
shift
bad=0
run() {
	local output
	if ! output=$("$@" 2>&1); then
		printf '%s\n' "$output" | grep -vE '^[0-9]+ warnings? (generated|treated)|Suppressed|Use -header-filter' | head -n 60
		bad=1
	fi
}
sources=()
for file in "$@"; do
	case $file in *.c) sources+=("$file") ;; esac
done
run clang-format --dry-run --Werror "$@"
run codespell --ignore-words tests/codespell.words "$@" README.md Makefile tests/*.sh docs/*.md docs/*.1 \
	examples/*/*.md
run cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability \
	--suppressions-list=tests/cppcheck.suppressions --inline-suppr -D__x86_64__ -D_GNU_SOURCE \
	-Iinclude -Isrc -I"$build/include" $(printf '%s\n' "${sources[@]}" | grep -E '^(src|gen|examples)/')
# The longest part by far: on all cores.
tidy() {
	run clang-tidy --quiet "$1" -- -std=gnu11 -D_GNU_SOURCE -Iinclude -Isrc -I"$build/include" -DRILL_VERSION='"0"'
	return "$bad"
}
export -f run tidy
export build bad
printf '%s\n' "${sources[@]}" | grep -E '^(src|gen)/' | xargs -P "$(nproc)" -n 1 bash -c 'tidy "$1"' tidy || bad=1
exit "$bad"
