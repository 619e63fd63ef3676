/* clang's AddressSanitizer takes what regexec() is given for a string that ends with a NUL, which
 * with REG_STARTEND it need not be. This one stands before its own, and reads what is asked. */
#include <dlfcn.h>
#include <regex.h>
#include <stdlib.h>

int regexec(const regex_t *restrict regex, const char *restrict text, size_t count,
	    regmatch_t matches[restrict], int flags)
{
	static int (*real)(const regex_t *, const char *, size_t, regmatch_t *, int);
	static volatile unsigned char sum;
	if (!real)
		*(void **)&real = dlvsym(RTLD_NEXT, "regexec", "GLIBC_2.3.4");
	if (!real)
		abort();
	if (flags & REG_STARTEND)
		for (regoff_t at = matches->rm_so; at < matches->rm_eo; at++)
			sum = (unsigned char)(sum + text[at]);
	return real(regex, text, count, matches, flags);
}
