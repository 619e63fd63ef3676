/* For MemorySanitizer: libraries that are not built with it write without its knowledge. Linked
 * with -Wl,--wrap=NAME for each of these. */
#include <sanitizer/msan_interface.h>
#include <zlib.h>
#include <zstd.h>

size_t __real_ZSTD_compress2(ZSTD_CCtx *context, void *to, size_t room, const void *from,
			     size_t size);
size_t __wrap_ZSTD_compress2(ZSTD_CCtx *context, void *to, size_t room, const void *from,
			     size_t size);
size_t __real_ZSTD_decompressDCtx(ZSTD_DCtx *context, void *to, size_t room, const void *from,
				  size_t size);
size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *context, void *to, size_t room, const void *from,
				  size_t size);
int __real_compress2(Bytef *to, uLongf *room, const Bytef *from, uLong size, int level);
int __wrap_compress2(Bytef *to, uLongf *room, const Bytef *from, uLong size, int level);

size_t __wrap_ZSTD_compress2(ZSTD_CCtx *context, void *to, size_t room, const void *from,
			     size_t size)
{
	__msan_check_mem_is_initialized(from, size);
	size_t made = __real_ZSTD_compress2(context, to, room, from, size);
	if (!ZSTD_isError(made))
		__msan_unpoison(to, made);
	return made;
}

size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *context, void *to, size_t room, const void *from,
				  size_t size)
{
	size_t made = __real_ZSTD_decompressDCtx(context, to, room, from, size);
	if (!ZSTD_isError(made))
		__msan_unpoison(to, made);
	return made;
}

int __wrap_compress2(Bytef *to, uLongf *room, const Bytef *from, uLong size, int level)
{
	__msan_check_mem_is_initialized(from, size);
	int result = __real_compress2(to, room, from, size, level);
	__msan_unpoison(room, sizeof *room);
	if (result == Z_OK)
		__msan_unpoison(to, *room);
	return result;
}
