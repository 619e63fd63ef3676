#!/bin/sh
# packages.sh GROUP...: installs the Debian packages of these groups that are missing.
# Groups: build (library, rill, rill-gen), demo, test, bench, coverage, cross (make portable).
set -eu
build="gcc make binutils libc6-dev libzstd-dev zlib1g-dev libcmark-gfm-dev libcmark-gfm-extensions-dev"
demo="postfix jq"
test="g++ clang libclang-rt-14-dev lld musl-dev clang-format clang-tidy cppcheck codespell libcriterion-dev valgrind spin strace jq postfix
	swaks python3 mandoc git procps util-linux gnuplot-nox zstd zsh fish
	babeltrace2 python3-bt2 liburcu-dev nodejs npm ca-certificates protobuf-compiler python3-protobuf chromium"
bench="g++ gnuplot-nox hyperfine babeltrace2 lttng-tools liblttng-ust-dev libspdlog-dev zstd postfix jq python3 procps util-linux"
coverage="gcovr jq"
cross="gcc-aarch64-linux-gnu g++-aarch64-linux-gnu gcc-riscv64-linux-gnu g++-riscv64-linux-gnu qemu-user clang lld
	musl-tools dpkg-dev xz-utils"

wanted=
for group in "$@"; do
	case $group in
	build) wanted="$wanted $build" ;;
	demo) wanted="$wanted $demo" ;;
	test) wanted="$wanted $test" ;;
	bench) wanted="$wanted $bench" ;;
	coverage) wanted="$wanted $coverage" ;;
	cross) wanted="$wanted $cross" ;;
	*) echo "packages.sh: no group '$group'; there are build, demo, test, bench, coverage and cross" >&2; exit 2 ;;
	esac
done

missing=
for package in $wanted; do
	# Node is often there from elsewhere, in packages that these conflict with.
	case $package in
	nodejs) ! command -v node >/dev/null || continue ;;
	npm) ! command -v npm >/dev/null || continue ;;
	esac
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
run() {
	# sudo drops the environment, so it is said again behind it.
	if ! $as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		echo "packages.sh: '$*' failed" >&2
		exit 1
	fi
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run apt-get update -q
case $missing in
*postfix*)
	# Only its smtp-source is wanted: no configuration, so no mail server is started.
	echo 'postfix postfix/main_mailer_type select No configuration' |
		$as_root debconf-set-selections
	;;
esac
# --no-remove: a machine that has another mail server keeps it, and the message says why this stopped.
run apt-get install -q -y --no-install-recommends --no-remove $missing
