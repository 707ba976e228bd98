// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "report.h"
#include "verifier.h"

/* Each takes the memory that a hash wants; see users.c. */
#define THREADS_MAX	8
/* The kernel forgets a stranger's request by then; who still wants something has asked again. */
#define REQUEST_TIME_MS	10000

/**
 * struct queue - logins in the order they came
 * @first: the first
 * @last: where the next one goes
 */
struct queue {
	struct login *first;
	struct login **last;
};

struct verifier {
	pthread_t threads[THREADS_MAX];
	unsigned int n_threads;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue waiting;	/* this and what follows is under the lock */
	struct login *current[THREADS_MAX];
	struct queue done;
	unsigned int started;
	bool end;
	int fd;
};

static void append(struct queue *queue, struct login *login)
{
	login->next = NULL;
	*queue->last = login;
	queue->last = &login->next;
}

static struct login *take_first(struct queue *queue)
{
	struct login *login = queue->first;

	if (login)
		queue->first = login->next;
	if (!queue->first)
		queue->last = &queue->first;
	return login;
}

static void *work(void *data)
{
	struct verifier *verifier = data;
	struct login **mine, *login;

	pthread_mutex_lock(&verifier->lock);
	mine = &verifier->current[verifier->started++];
	for (;;) {
		while (!verifier->end && !verifier->waiting.first)
			pthread_cond_wait(&verifier->more, &verifier->lock);
		if (verifier->end)
			break;
		login = take_first(&verifier->waiting);
		*mine = login;
		pthread_mutex_unlock(&verifier->lock);

		/* Strangers can ask faster than passwords can be verified: only so many wait. */
		login->late = clock_ms(CLOCK_BOOTTIME) - login->came > REQUEST_TIME_MS;
		login->good = !login->late &&
			      user_verify(login->known ? &login->user : NULL, login->password);
		sodium_memzero(login->password, sizeof(login->password));

		pthread_mutex_lock(&verifier->lock);
		*mine = NULL;
		append(&verifier->done, login);
		eventfd_write(verifier->fd, 1);
	}
	pthread_mutex_unlock(&verifier->lock);
	return NULL;
}

/**
 * verifier_open() - start a thread for each processor
 *
 * Return: what verifies, for verifier_close(), or NULL: the user has been told.
 */
struct verifier *verifier_open(void)
{
	struct verifier *verifier = xzalloc(sizeof(*verifier));
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int wanted = processors > THREADS_MAX ? THREADS_MAX : (unsigned int)processors;
	sigset_t all, before;

	pthread_mutex_init(&verifier->lock, NULL);
	pthread_cond_init(&verifier->more, NULL);
	verifier->waiting.last = &verifier->waiting.first;
	verifier->done.last = &verifier->done.first;
	verifier->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (verifier->fd >= 0 && verifier->n_threads < (wanted ? wanted : 1) &&
	       !pthread_create(&verifier->threads[verifier->n_threads], NULL, work, verifier))
		verifier->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (verifier->n_threads)
		return verifier;
	fail("cannot start a thread: %s", strerror(errno));
	verifier_close(verifier);
	return NULL;
}

static void free_all(struct queue *queue)
{
	struct login *login;

	while ((login = take_first(queue))) {
		sodium_memzero(login, sizeof(*login));
		free(login);
	}
}

/**
 * verifier_close() - end the threads and forget what waits
 * @verifier: what verifier_open() made, or NULL
 */
void verifier_close(struct verifier *verifier)
{
	unsigned int i;

	if (!verifier)
		return;
	pthread_mutex_lock(&verifier->lock);
	verifier->end = true;
	pthread_cond_broadcast(&verifier->more);
	pthread_mutex_unlock(&verifier->lock);
	for (i = 0; i < verifier->n_threads; i++)
		pthread_join(verifier->threads[i], NULL);
	free_all(&verifier->waiting);
	free_all(&verifier->done);
	if (verifier->fd >= 0)
		close(verifier->fd);
	free(verifier);
}

/**
 * verifier_fd() - what to wait on for what has been verified
 * @verifier: the verifier
 *
 * Return: a file descriptor, which can be read when verifier_take() has something.
 */
int verifier_fd(const struct verifier *verifier)
{
	return verifier->fd;
}

static struct login *find(const struct queue *queue, uint32_t request_id)
{
	struct login *login;

	for (login = queue->first; login; login = login->next)
		if (login->request.id == request_id)
			return login;
	return NULL;
}

/**
 * verifier_renew() - who asked asks again
 * @verifier: the verifier
 * @request_id: the request
 *
 * If it still waits to be verified, it waits on.
 *
 * Return: whether it is here, and needs not be submitted.
 */
bool verifier_renew(struct verifier *verifier, uint32_t request_id)
{
	struct login *waiting;
	bool found;
	size_t i;

	pthread_mutex_lock(&verifier->lock);
	waiting = find(&verifier->waiting, request_id);
	if (waiting)
		waiting->came = clock_ms(CLOCK_BOOTTIME);
	found = waiting || find(&verifier->done, request_id);
	for (i = 0; i < THREADS_MAX; i++)
		if (verifier->current[i] && verifier->current[i]->request.id == request_id)
			found = true;
	pthread_mutex_unlock(&verifier->lock);
	return found;
}

/* Who asks anew with another password has one place in the queue. The lock is held. */
static void forget(struct queue *queue, const uint8_t public_key[static TOYVPN_KEY_LEN])
{
	struct login **at, *login;

	for (at = &queue->first; (login = *at); at = &login->next) {
		if (memcmp(login->request.public_key, public_key, TOYVPN_KEY_LEN))
			continue;
		*at = login->next;
		if (queue->last == &login->next)
			queue->last = at;
		sodium_memzero(login, sizeof(*login));
		free(login);
		return;
	}
}

/**
 * verifier_submit() - have a login verified
 * @verifier: the verifier
 * @login: the login, the verifier's until verifier_take() returns it; in place of one of the same
 *	key that still waits
 */
void verifier_submit(struct verifier *verifier, struct login *login)
{
	login->came = clock_ms(CLOCK_BOOTTIME);
	pthread_mutex_lock(&verifier->lock);
	forget(&verifier->waiting, login->request.public_key);
	append(&verifier->waiting, login);
	pthread_cond_signal(&verifier->more);
	pthread_mutex_unlock(&verifier->lock);
}

/**
 * verifier_take() - take all that has been verified
 * @verifier: the verifier
 *
 * Return: a list in the order that they were done, the caller's to free, or NULL.
 */
struct login *verifier_take(struct verifier *verifier)
{
	struct login *list;
	eventfd_t n;

	eventfd_read(verifier->fd, &n);
	pthread_mutex_lock(&verifier->lock);
	list = verifier->done.first;
	verifier->done.first = NULL;
	verifier->done.last = &verifier->done.first;
	pthread_mutex_unlock(&verifier->lock);
	return list;
}
