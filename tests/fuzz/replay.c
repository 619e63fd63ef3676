/* Runs a fuzz target on the files of folders, without libFuzzer: replay_X FOLDER... Prints how many
 * there were. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#define MOST_BYTES (1u << 20)

static int replay_file(const char *path)
{
	static uint8_t bytes[MOST_BYTES];
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return 1;
	}
	size_t size = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	/* In memory of its own size: what reads behind it is seen. */
	uint8_t *copy = malloc(size + !size);
	FUZZ_CHECK(copy);
	memcpy(copy, bytes, size);
	/* Said before it is tried: what comes last is what crashed. */
	printf("%s\n", path);
	fflush(stdout);
	alarm(30);
	LLVMFuzzerTestOneInput(copy, size);
	alarm(0);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	size_t count = 0;
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		const struct dirent *entry;
		char path[4096];
		if (!folder) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(folder))) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
			if (replay_file(path))
				return 1;
			count++;
		}
		closedir(folder);
	}
	printf("%zu replayed\n", count);
	return 0;
}
