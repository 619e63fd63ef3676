/* emit N: the program around emit.c, wherever that was compiled into. */
#include <stdlib.h>

int run_cases(unsigned n);

int main(int argc, char **argv)
{
	return run_cases(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
}
