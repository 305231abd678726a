/*
 * Rules that drop and count the packets of one direction of a flow. In C, since the
 * structures of a rule's pattern differ from release to release of DPDK.
 */
#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_flow.h>
#include <rte_tcp.h>

#include "bindings.h"

/* Bits of the fragment offset field that are set in fragments: more to come, and the offset. */
#define FRAGMENT_BITS 0x3fff

/* A rule as DPDK wants it; refers to itself, so it must not move. */
struct rule {
	struct rte_flow_attr attributes;
	struct rte_flow_item pattern[8];
	struct rte_flow_action actions[3];
	struct rte_flow_action_count count;
	struct rte_flow_item_ipv4 ipv4, ipv4_mask;
	struct rte_flow_item_ipv6 ipv6, ipv6_mask;
	struct rte_flow_item_tcp tcp, tcp_mask;
	struct rte_flow_item_udp udp, udp_mask;
};

static void build(struct rule *rule, const struct dpdk_drop_match *match)
{
	/* Where flags are part of the mask, packets that have one of them do not match. */
	const uint8_t control = RTE_TCP_FIN_FLAG | RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG;
	const rte_be16_t source_port = rte_cpu_to_be_16(match->source_port);
	const rte_be16_t destination_port = rte_cpu_to_be_16(match->destination_port);
	struct rte_flow_item *item = rule->pattern;
	int tag;

	memset(rule, 0, sizeof(*rule));
	rule->attributes.ingress = 1;
	(item++)->type = RTE_FLOW_ITEM_TYPE_ETH;
	for (tag = 0; tag < match->vlan_tags && tag < 2; tag++)
		(item++)->type = RTE_FLOW_ITEM_TYPE_VLAN;
	if (match->is_ipv6) {
		memcpy(&rule->ipv6.hdr.src_addr, match->source, 16);
		memcpy(&rule->ipv6.hdr.dst_addr, match->destination, 16);
		memset(&rule->ipv6_mask.hdr.src_addr, 0xff, 16);
		memset(&rule->ipv6_mask.hdr.dst_addr, 0xff, 16);
		item->type = RTE_FLOW_ITEM_TYPE_IPV6;
		item->spec = &rule->ipv6;
		item->mask = &rule->ipv6_mask;
	} else {
		memcpy(&rule->ipv4.hdr.src_addr, match->source, 4);
		memcpy(&rule->ipv4.hdr.dst_addr, match->destination, 4);
		rule->ipv4_mask.hdr.src_addr = UINT32_MAX;
		rule->ipv4_mask.hdr.dst_addr = UINT32_MAX;
		/* Segments of TCP are not fragmented; of a datagram the first fragment alone must not match. */
		if (!match->is_tcp)
			rule->ipv4_mask.hdr.fragment_offset = rte_cpu_to_be_16(FRAGMENT_BITS);
		item->type = RTE_FLOW_ITEM_TYPE_IPV4;
		item->spec = &rule->ipv4;
		item->mask = &rule->ipv4_mask;
	}
	item++;
	if (match->is_tcp) {
		rule->tcp.hdr.src_port = source_port;
		rule->tcp.hdr.dst_port = destination_port;
		rule->tcp_mask.hdr.src_port = UINT16_MAX;
		rule->tcp_mask.hdr.dst_port = UINT16_MAX;
		rule->tcp_mask.hdr.tcp_flags = control;
		item->type = RTE_FLOW_ITEM_TYPE_TCP;
		item->spec = &rule->tcp;
		item->mask = &rule->tcp_mask;
	} else {
		rule->udp.hdr.src_port = source_port;
		rule->udp.hdr.dst_port = destination_port;
		rule->udp_mask.hdr.src_port = UINT16_MAX;
		rule->udp_mask.hdr.dst_port = UINT16_MAX;
		item->type = RTE_FLOW_ITEM_TYPE_UDP;
		item->spec = &rule->udp;
		item->mask = &rule->udp_mask;
	}
	item++;
	item->type = RTE_FLOW_ITEM_TYPE_END;
	rule->actions[0].type = RTE_FLOW_ACTION_TYPE_COUNT;
	rule->actions[0].conf = &rule->count;
	rule->actions[1].type = RTE_FLOW_ACTION_TYPE_DROP;
	rule->actions[2].type = RTE_FLOW_ACTION_TYPE_END;
}

int dpdk_drop_validate(uint16_t port, const struct dpdk_drop_match *match, const char **message)
{
	struct rte_flow_error error = { 0 };
	struct rule rule;
	int status;

	build(&rule, match);
	status = rte_flow_validate(port, &rule.attributes, rule.pattern, rule.actions, &error);
	*message = error.message;
	return status;
}

struct rte_flow *dpdk_drop_create(uint16_t port, const struct dpdk_drop_match *match, const char **message)
{
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow;
	struct rule rule;

	build(&rule, match);
	flow = rte_flow_create(port, &rule.attributes, rule.pattern, rule.actions, &error);
	*message = error.message;
	return flow;
}

int dpdk_drop_query(uint16_t port, struct rte_flow *flow, uint64_t *packets, uint64_t *octets,
		    const char **message)
{
	const struct rte_flow_action_count conf = { 0 };
	const struct rte_flow_action action = { .type = RTE_FLOW_ACTION_TYPE_COUNT, .conf = &conf };
	struct rte_flow_query_count count = { 0 };
	struct rte_flow_error error = { 0 };
	int status = rte_flow_query(port, flow, &action, &count, &error);

	*message = error.message;
	if (status == 0 && !(count.hits_set && count.bytes_set)) {
		*message = "the rule does not count packets and bytes";
		status = -ENOTSUP;
	}
	*packets = count.hits;
	*octets = count.bytes;
	return status;
}

int dpdk_drop_destroy(uint16_t port, struct rte_flow *flow, const char **message)
{
	struct rte_flow_error error = { 0 };
	int status = rte_flow_destroy(port, flow, &error);

	*message = error.message;
	return status;
}
