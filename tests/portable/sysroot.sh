#!/bin/bash
# sysroot.sh FOLDER ARCH-LIBC CC...: what rill links with, for a target whose packages Debian does not have:
# FOLDER/ARCH-LIBC/include and lib with zstd and zlib, and of musl the C library itself with its
# compiler wrapper in bin. FOLDER/src holds the sources.
set -euo pipefail
sysroot=$1/$2 src=$1/src
arch=${2%-*} libc=${2#*-}
shift 2
[ ! -e "$sysroot/ready" ] || exit 0
mkdir -p "$sysroot/obj" "$sysroot/include" "$sysroot/lib"
cc=("$@")

if [ "$libc" = musl ]; then
	mkdir -p "$sysroot/obj/musl"
	(
		cd "$sysroot/obj/musl" &&
		{ [ -e config.mak ] || "$src/musl/configure" --prefix="$sysroot" --syslibdir="$sysroot/lib" --target="$arch" \
			--enable-wrapper=all CC="${cc[*]}" AR="${AR:-ar}" RANLIB="${AR:-ar} s"; } &&
		make -s -j2 &&
		make -s install
	) >"$sysroot/log" 2>&1 || { tail -n 20 "$sysroot/log" >&2; exit 1; }
	# The kernel's own headers, and nothing else of the folder where they are.
	kernel=/usr/$arch-linux-gnu/include
	[ -d "$kernel/linux" ] || kernel=/usr/include
	ln -sfn "$kernel/linux" "$sysroot/include/linux"
	ln -sfn "$kernel/asm-generic" "$sysroot/include/asm-generic"
	[ -d "$kernel/asm" ] || kernel=/usr/include/$arch-linux-gnu
	ln -sfn "$kernel/asm" "$sysroot/include/asm"
	cc=("$sysroot/bin/musl-gcc")
fi

# library NAME FILE...: its objects, by two compilers at a time.
library() {
	local name=$1
	shift
	mkdir -p "$sysroot/obj/$name"
	(
		cd "$sysroot/obj/$name"
		printf '%s\n' "$@" | xargs -P2 -n 8 "${cc[@]}" -O1 -fPIC -w -DZSTD_DISABLE_ASM -DHAVE_UNISTD_H -c
		"${AR:-ar}" rcs "$sysroot/lib/lib$name.a" ./*.o
	)
}
library zstd "$src"/zstd/lib/{common,compress,decompress}/*.c
library z "$src"/zlib/{adler32,crc32,deflate,inffast,inflate,inftrees,trees,zutil,compress,uncompr}.c
cp "$src"/zstd/lib/*.h "$src"/zlib/{zlib,zconf}.h "$sysroot/include"
rm -rf "$sysroot/obj"
touch "$sysroot/ready"
