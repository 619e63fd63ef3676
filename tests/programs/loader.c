/* loader PLUGIN N: loads an instrumented shared object N times, lets it emit, unloads it. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	int times = argc > 2 ? atoi(argv[2]) : 1;
	for (int i = 0; i < times; i++) {
		void *plugin = dlopen(argv[1], RTLD_NOW);
		if (!plugin) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		void (*work)(uint64_t) = (void (*)(uint64_t))dlsym(plugin, "plugin_work");
		work((uint64_t)i);
		rill_event(smtp_noop, total(i));
		if (dlclose(plugin) != 0)
			return 1;
	}
	return 0;
}
