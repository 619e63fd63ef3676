#!/bin/bash
# build.sh BUILD ARCH-LIBC-COMPILER TARGET...: builds what make is told (BUILD/portable/ARCH-LIBC-COMPILER is
# its BUILD) for another machine. BUILD/rill-gen runs here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1 target=$2
shift 2
IFS=- read -r arch libc compiler <<<"$target"
root=$build/portable
sysroot=$root/$arch-$libc
to=$root/$target

# The native tools have no prefix when there is no package with one.
prefix=$arch-linux-gnu-
[ "$arch" != x86_64 ] || prefix=
"$here/sources.sh" "$root/src"
AR=${prefix}ar "$here/sysroot.sh" "$root" "$arch-$libc" "${prefix}gcc"

mkdir -p "$to"
case $libc-$compiler in
glibc-gcc) cc="${prefix}gcc" ;;
glibc-clang) cc="clang --target=$arch-linux-gnu" ;;
musl-gcc) cc="$sysroot/bin/musl-gcc" ;;
musl-clang) cc="$sysroot/bin/musl-clang --target=$arch-linux-musl" ;;
esac
cat >"$to/cc.new" <<EOF
#!/bin/sh
# Compiles for $target.
for word; do
	case \$word in -c | -E | -S | -fsyntax-only) exec $cc -I$sysroot/include -I$here "\$@" ;; esac
done
exec $cc -I$sysroot/include -I$here "\$@" -L$sysroot/lib -L$to/lib
EOF
chmod +x "$to/cc.new"
cmp -s "$to/cc.new" "$to/cc" && rm "$to/cc.new" || mv "$to/cc.new" "$to/cc"

ln -sf "$build/rill-gen" "$to/rill-gen"

# What the tests take for Criterion.
if [ "$here/criterion/runner.c" -nt "$to/lib/libcriterion.a" ]; then
	mkdir -p "$to/lib"
	"$to/cc" -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -c -o "$to/lib/runner.o" "$here/criterion/runner.c"
	"${prefix}ar" rcs "$to/lib/libcriterion.a" "$to/lib/runner.o"
fi

make --no-print-directory -C "$here/../.." BUILD="$to" CC="$to/cc" LD="${prefix}ld" AR="${prefix}ar" \
	OBJCOPY="${prefix}objcopy" HOST_GEN="$build/rill-gen" "$@"
