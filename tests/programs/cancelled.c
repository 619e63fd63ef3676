/* cancelled: six threads are cancelled while they are at their first event; a seventh emits. */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <stdio.h>

static int go;

static void *first_event(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&go, __ATOMIC_RELAXED))
		;
	rill_event(smtp_noop, total(1));
	pthread_testcancel();
	return NULL;
}

int main(void)
{
	pthread_t threads[6], seventh;
	for (int i = 0; i < 6; i++) {
		pthread_create(&threads[i], NULL, first_event, NULL);
		pthread_cancel(threads[i]);
	}
	__atomic_store_n(&go, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	pthread_create(&seventh, NULL, first_event, NULL);
	pthread_join(seventh, NULL);
	puts("seven");
	return 0;
}
