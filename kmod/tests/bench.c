// SPDX-License-Identifier: GPL-2.0
/*
 * A module of its own, for selftests/bench: what only the kernel can measure.
 *
 * /sys/module/toyvpn_bench/parameters/clock is the ns that the processors were
 * busy since boot, the ns since boot, and how busy each processor was. Written
 * to aead, "CIPHER BYTES" makes it the ns that it takes to encrypt and decrypt
 * so many bytes: the floor under what a tunnel costs.
 */
#include <crypto/aead.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <trace/events/power.h>

#define BENCH_ROUNDS	200
#define BENCH_KEY	32
#define BENCH_TAG	16
#define BENCH_BYTES_MAX	4000

/*
 * Idle time. The kernel's own account of it goes by samples while the tick runs.
 * A halted processor goes on with an interrupt, whose work comes before the idle
 * loop says that it is over.
 */
struct bench_idle {
	u64 since, total;
};

static DEFINE_PER_CPU(struct bench_idle, bench_idle);

static void idle_begins(void)
{
	this_cpu_write(bench_idle.since, ktime_get_ns());
}

static void idle_ends(void)
{
	u64 since = this_cpu_read(bench_idle.since);

	if (!since)
		return;
	this_cpu_write(bench_idle.since, 0);
	this_cpu_add(bench_idle.total, ktime_get_ns() - since);
}

static void on_idle(void *data, unsigned int state, unsigned int cpu)
{
	if (state == (unsigned int)PWR_EVENT_EXIT)
		idle_ends();
	else
		idle_begins();
}

static void on_vector(void *data, int vector)
{
	idle_ends();
}

static void on_irq(void *data, int irq, struct irqaction *action)
{
	idle_ends();
}

static struct {
	const char *name;
	void *function;
	struct tracepoint *point;
} probes[] = {
	{ "cpu_idle", on_idle },
	{ "irq_handler_entry", on_irq },
	{ "local_timer_entry", on_vector },
	{ "reschedule_entry", on_vector },
	{ "call_function_entry", on_vector },
	{ "call_function_single_entry", on_vector },
};

static void find_probe(struct tracepoint *point, void *data)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!strcmp(point->name, probes[i].name))
			probes[i].point = point;
	}
}

static int get_clock(char *text, const struct kernel_param *param)
{
	u64 now = ktime_get_ns(), idle = 0;
	int cpu, n;

	for_each_online_cpu(cpu)
		idle += READ_ONCE(per_cpu(bench_idle, cpu).total);
	n = sysfs_emit(text, "%llu %llu", now * num_online_cpus() - idle, now);
	for_each_online_cpu(cpu)
		n += sysfs_emit_at(text, n, " %llu",
				   now - READ_ONCE(per_cpu(bench_idle, cpu).total));
	return n + sysfs_emit_at(text, n, "\n");
}

static const struct kernel_param_ops clock_ops = { .get = get_clock };
module_param_cb(clock, &clock_ops, NULL, 0400);
MODULE_PARM_DESC(clock, "ns that the processors were busy, ns since boot, ns that each was busy");

static int round_trip(struct aead_request *req, struct scatterlist *sg,
		      unsigned int bytes, u8 *iv)
{
	DECLARE_CRYPTO_WAIT(wait);
	int err;

	aead_request_set_callback(req, CRYPTO_TFM_REQ_MAY_SLEEP,
				  crypto_req_done, &wait);
	aead_request_set_ad(req, 0);
	aead_request_set_crypt(req, sg, sg, bytes, iv);
	err = crypto_wait_req(crypto_aead_encrypt(req), &wait);
	if (err)
		return err;
	aead_request_set_crypt(req, sg, sg, bytes + BENCH_TAG, iv);
	return crypto_wait_req(crypto_aead_decrypt(req), &wait);
}

static int measure(struct crypto_aead *aead, unsigned int bytes, u64 *ns)
{
	u8 key[BENCH_KEY] = { 1 }, iv[16] = { 2 };
	struct aead_request *req;
	struct scatterlist sg;
	int i, err = -ENOMEM;
	void *data;

	data = kzalloc(bytes + BENCH_TAG, GFP_KERNEL);
	req = aead_request_alloc(aead, GFP_KERNEL);
	if (!data || !req)
		goto out;
	err = crypto_aead_setkey(aead, key, sizeof(key)) ?:
	      crypto_aead_setauthsize(aead, BENCH_TAG);
	if (err)
		goto out;
	sg_init_one(&sg, data, bytes + BENCH_TAG);

	/* The first round warms up. */
	err = round_trip(req, &sg, bytes, iv);
	*ns = ktime_get_ns();
	for (i = 0; i < BENCH_ROUNDS && !err; i++)
		err = round_trip(req, &sg, bytes, iv);
	*ns = div_u64(ktime_get_ns() - *ns, BENCH_ROUNDS);
out:
	aead_request_free(req);
	kfree(data);
	return err;
}

/* Parameters are read and written under a lock of the module's. */
static u64 aead_ns;

static int set_aead(const char *text, const struct kernel_param *param)
{
	struct crypto_aead *aead;
	unsigned int bytes;
	char name[64];
	int err;

	if (sscanf(text, "%63s %u", name, &bytes) != 2 ||
	    bytes > BENCH_BYTES_MAX)
		return -EINVAL;
	aead = crypto_alloc_aead(name, 0, 0);
	if (IS_ERR(aead))
		return PTR_ERR(aead);
	err = measure(aead, bytes, &aead_ns);
	crypto_free_aead(aead);
	return err;
}

static int get_aead(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%llu\n", aead_ns);
}

static const struct kernel_param_ops aead_ops = {
	.set = set_aead,
	.get = get_aead,
};
module_param_cb(aead, &aead_ops, NULL, 0600);
MODULE_PARM_DESC(aead, "\"CIPHER BYTES\": ns to encrypt and decrypt so many bytes");

static void bench_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (probes[i].point)
			tracepoint_probe_unregister(probes[i].point,
						    probes[i].function, NULL);
	}
	tracepoint_synchronize_unregister();
}

static int __init bench_init(void)
{
	unsigned int i;
	int err;

	for_each_kernel_tracepoint(find_probe, NULL);
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		err = probes[i].point ?
		      tracepoint_probe_register(probes[i].point,
						probes[i].function, NULL) : -ENOENT;
		if (err) {
			pr_err("toyvpn_bench: no tracepoint %s\n", probes[i].name);
			bench_exit();
			return err;
		}
	}
	return 0;
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("what selftests/bench measures in the kernel");
MODULE_LICENSE("GPL");
