/* Tests leave their strings to the end of their process; what leaks there says nothing. The
 * programs that they run are not linked with this. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
