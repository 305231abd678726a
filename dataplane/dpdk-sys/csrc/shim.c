#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/types.h>

#include "bindings.h"

int dpdk_errno(void)
{
	return rte_errno;
}

static dpdk_log_handler log_handler;

static ssize_t log_write(void *cookie, const char *text, size_t length)
{
	(void)cookie;
	log_handler((uint32_t)rte_log_cur_msg_loglevel(), (uint32_t)rte_log_cur_msg_logtype(), text, length);
	return (ssize_t)length;
}

int dpdk_log_to(dpdk_log_handler handler)
{
	const cookie_io_functions_t io = { .write = log_write };
	FILE *stream;

	log_handler = handler;
	stream = fopencookie(NULL, "w", io);
	if (stream == NULL)
		return -errno;
	/* DPDK flushes after each message, so a full buffer is the whole message. */
	setvbuf(stream, NULL, _IOFBF, 4096);
	return rte_openlog_stream(stream);
}

int dpdk_link_get(uint16_t port, uint32_t *speed, uint8_t *up)
{
	struct rte_eth_link link = { 0 };
	int status = rte_eth_link_get_nowait(port, &link);

	*speed = link.link_speed;
	*up = link.link_status;
	return status;
}
