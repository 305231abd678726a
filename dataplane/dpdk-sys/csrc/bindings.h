/*
 * What bindgen reads: the DPDK headers that the `dpdk` crate needs, and the few
 * things that the headers only offer as macros.
 */
#ifndef BALEEN_DPDK_BINDINGS_H
#define BALEEN_DPDK_BINDINGS_H

#include <stddef.h>
#include <stdint.h>

#include <rte_config.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_version.h>

/*
 * Macros made with RTE_BIT64 are not constants for bindgen; a constant object is.
 */
static const uint64_t DPDK_RSS_IP = RTE_ETH_RSS_IP;
static const uint64_t DPDK_RSS_TCP = RTE_ETH_RSS_TCP;
static const uint64_t DPDK_RSS_UDP = RTE_ETH_RSS_UDP;
static const uint64_t DPDK_RSS_SCTP = RTE_ETH_RSS_SCTP;
static const uint64_t DPDK_RX_OFFLOAD_SCATTER = RTE_ETH_RX_OFFLOAD_SCATTER;
static const uint64_t DPDK_RX_OFFLOAD_RSS_HASH = RTE_ETH_RX_OFFLOAD_RSS_HASH;
static const uint64_t DPDK_MBUF_F_RX_RSS_HASH = RTE_MBUF_F_RX_RSS_HASH;
static const unsigned int DPDK_RING_F_SP_ENQ = RING_F_SP_ENQ;
static const unsigned int DPDK_RING_F_SC_DEQ = RING_F_SC_DEQ;

/*
 * Where the fields of a packet buffer are. Its C definition is a nest of unnamed
 * unions that differs from release to release; the offsets say the same for all.
 */
enum dpdk_mbuf_offset {
	DPDK_MBUF_BUF_ADDR = offsetof(struct rte_mbuf, buf_addr),
	DPDK_MBUF_DATA_OFF = offsetof(struct rte_mbuf, data_off),
	DPDK_MBUF_NB_SEGS = offsetof(struct rte_mbuf, nb_segs),
	DPDK_MBUF_OL_FLAGS = offsetof(struct rte_mbuf, ol_flags),
	DPDK_MBUF_PKT_LEN = offsetof(struct rte_mbuf, pkt_len),
	DPDK_MBUF_DATA_LEN = offsetof(struct rte_mbuf, data_len),
	DPDK_MBUF_HASH_RSS = offsetof(struct rte_mbuf, hash.rss),
	DPDK_MBUF_NEXT = offsetof(struct rte_mbuf, next),
};

/* rte_errno of the calling thread, which is a thread-local variable behind a macro. */
int dpdk_errno(void);

/* One log message: its level (RTE_LOG_*), its type and its text, not terminated. */
typedef void (*dpdk_log_handler)(uint32_t level, uint32_t type, const char *text, size_t length);

/* Sends every log message of DPDK to `handler`, from now on; 0, or a negative errno. */
int dpdk_log_to(dpdk_log_handler handler);

/* Link of a port: speed in Mbit/s (UINT32_MAX when unknown) and whether it is up. */
int dpdk_link_get(uint16_t port, uint32_t *speed, uint8_t *up);

/* A flow rule in a port. */
struct rte_flow;

/* Packets of one direction of a flow: of TCP those without FIN, SYN and RST. Ports are in host byte order. */
struct dpdk_drop_match {
	uint8_t is_ipv6;
	uint8_t is_tcp;
	/* VLAN tags in front of the IP header, up to two, whatever they say. */
	uint8_t vlan_tags;
	/* Addresses as in the packet; of IPv4 the first four octets. */
	uint8_t source[16];
	uint8_t destination[16];
	uint16_t source_port;
	uint16_t destination_port;
};

/*
 * Rules that drop and count such packets: whether the port would take one, make it, what it has counted, remove it.
 * 0, or a negative errno (create: NULL, and rte_errno); `message` is what the driver says, or NULL, and lives for ever.
 */
int dpdk_drop_validate(uint16_t port, const struct dpdk_drop_match *match, const char **message);
struct rte_flow *dpdk_drop_create(uint16_t port, const struct dpdk_drop_match *match, const char **message);
int dpdk_drop_query(uint16_t port, struct rte_flow *flow, uint64_t *packets, uint64_t *octets,
		    const char **message);
int dpdk_drop_destroy(uint16_t port, struct rte_flow *flow, const char **message);

#endif
