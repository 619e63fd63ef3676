/* Events from everywhere in a program's life: eight in all, numbered by total(). */
#define RILL_CATALOG stalwart
#include <rill/stalwart.h>

#include <pthread.h>
#include <stdlib.h>

static pthread_key_t key;

__attribute__((constructor)) static void early(void)
{
	rill_event(server_startup, total(1));
}

__attribute__((destructor)) static void last(void)
{
	rill_event(server_shutdown, total(8));
}

static void at_exit(void)
{
	rill_event(smtp_noop, total(7));
}

static void key_destructor(void *value)
{
	static int again;
	(void)value;
	rill_event(smtp_noop, total(4));
	/* Once more, after rill's own key destructor has had its turn. */
	if (!again++)
		pthread_setspecific(key, &key);
}

static void *thread(void *argument)
{
	(void)argument;
	pthread_setspecific(key, &key);
	rill_event(smtp_noop, total(3));
	return NULL;
}

int main(void)
{
	pthread_t id;
	rill_event(smtp_noop, total(2));
	pthread_key_create(&key, key_destructor);
	pthread_create(&id, NULL, thread, NULL);
	pthread_join(id, NULL);
	rill_event(smtp_noop, total(6));
	atexit(at_exit);
	exit(0);
}
