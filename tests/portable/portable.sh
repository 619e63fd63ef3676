#!/bin/bash
# portable.sh BUILD TARGET...: for each ARCH-LIBC-COMPILER builds the library, the command, the examples and tests, and runs
# these, by qemu-user where this CPU is not ARCH's. BUILD holds what runs here: rill-gen, rill and programs/golden.
# A line for each test program, and one for each target.
set -u
here=$(cd "$(dirname "$0")" && pwd)
SRC=$(cd "$here/../.." && pwd)
build=$1
shift
bad=0

# The areas whose tests need nothing but what is built for the target; in whole where it is a kind of machine of its
# own, and those of threads, processes and files for another compiler or library on the same.
whole="runtime control collect core dump sink edges examples portable"
part="runtime control core examples"
# They ask this machine's compilers, or run a program by a shell, which knows no emulator.
left_out="portable/test_users portable/test_sources dump/test_bad"
# qemu-user 7.2 ends a child that starts a thread when its parent had threads ("qemu_plugin_vcpu_init_hook"); and
# programs that a shell starts have no emulator; of the signals that a thread blocks it keeps some for itself.
not_emulated="pipe/the_thread_has_a_name* lives/*fork* lives/*child* lives/*clone* pages/*child* rotation/keeps_so_many"

tests_of() {
	local area test
	for area in "$@"; do
		for test in "$SRC/tests/$area"/test_*.c; do
			test=$area/$(basename "$test" .c)
			[[ " $left_out " = *" $test "* ]] || echo "tests/$test"
		done
	done
}

programs_of() {
	find "$SRC/tests/programs" -name '*.c' ! -name plugin.c ! -name golden.c -printf '%f\n' |
		sed 's|^|tests/programs/|; s|\.c$||'
	printf 'tests/programs/%s\n' golden plugin.so loader-static \
		{abandoned,cut,filters,lengths,signals}-compact
}

# The dumps that both write from the same seeds are the same, byte by byte.
compare_golden() {
	local folder
	folder=$(mktemp -d)
	mkdir "$folder/here" "$folder/there"
	GOLDEN=$folder/here BUILD=$build "$build/tests/programs/golden" >/dev/null 2>&1
	# shellcheck disable=SC2086
	GOLDEN=$folder/there BUILD=$1 $RILL_TEST_EMULATOR "$1/tests/programs/golden" >/dev/null 2>&1
	if [ "$(ls "$folder/here" | wc -l)" -gt 5 ] && diff -rq "$folder/here" "$folder/there"; then
		echo "$2: $(ls "$folder/here" | wc -l) golden dumps are the same, byte by byte"
	else
		echo "$2: golden dumps FAILED"
		bad=1
	fi
	rm -rf "$folder"
}

# A plugin with a copy of librill of its own cannot be loaded there, and dlopen() says why.
expect_musl_to_say() {
	local said
	# shellcheck disable=SC2086
	said=$($RILL_TEST_EMULATOR "$1/tests/programs/loader-static" "$1/tests/programs/plugin.so" 1 2>&1)
	if [[ $said == *"rill__me: initial-exec TLS resolves to dynamic definition"* ]]; then
		echo "$2: dlopen() says that it has no initial-exec TLS"
	else
		echo "$2: dlopen() of a second librill says '$said' FAILED"
		bad=1
	fi
}

for target; do
	to=$build/portable/$target
	areas=$part
	[[ $target != *-glibc-gcc && $target != x86_64-musl-gcc ]] || areas=$whole
	# shellcheck disable=SC2046,SC2086
	"$here/build.sh" "$build" "$target" -j"$(nproc)" $(
		printf "$to/%s\n" librill.a librill.so rill examples/hello examples/smtpd \
			$(tests_of $areas) $(programs_of)
	) >"$to.log" 2>&1 || { tail -n 20 "$to.log"; echo "$target: not built FAILED"; bad=1; continue; }
	if grep -q 'warning:' "$to.log"; then
		grep 'warning:' "$to.log"
		echo "$target: warnings FAILED"
		bad=1
	fi
	export RILL_TEST_EMULATOR='' RILL_TEST_LEAVE=$not_emulated
	case $target in
	x86_64-*) RILL_TEST_LEAVE='' ;;
	*-glibc-*) RILL_TEST_EMULATOR="qemu-${target%%-*} -L /usr/${target%%-*}-linux-gnu" ;;
	*) RILL_TEST_EMULATOR="qemu-${target%%-*}" ;;
	esac
	case $target in
	*-musl-*)
		RILL_TEST_LEAVE+=" lives/two_copies*"
		expect_musl_to_say "$to" "$target"
		;;
	esac
	compare_golden "$to" "$target"
	"$SRC/tests/run.sh" short "$to" || bad=1
	echo "$target: built and run"
done
exit "$bad"
