# @TEST-DOC: Bulk lookups are counted over the whole cluster: a manager, a proxy and two workers, each of which sees too few
# @TEST-DOC: objects of the client for a notice.
# @TEST-PORT: BROKER_MANAGER
# @TEST-PORT: BROKER_PROXY
# @TEST-PORT: BROKER_WORKER1
# @TEST-PORT: BROKER_WORKER2
# @TEST-EXEC: btest-bg-run manager-1 "ZEEKPATH=..:${ZEEKPATH:-$(zeek-config --zeekpath)} CLUSTER_NODE=manager-1 zeek $PACKAGE ../bulk.zeek"
# @TEST-EXEC: btest-bg-run proxy-1 "ZEEKPATH=..:${ZEEKPATH:-$(zeek-config --zeekpath)} CLUSTER_NODE=proxy-1 zeek $PACKAGE ../bulk.zeek"
# @TEST-EXEC: btest-bg-run worker-1 "ZEEKPATH=..:${ZEEKPATH:-$(zeek-config --zeekpath)} CLUSTER_NODE=worker-1 zeek -C -r ../traces/worker-1.pcap $PACKAGE ../bulk.zeek"
# @TEST-EXEC: btest-bg-run worker-2 "ZEEKPATH=..:${ZEEKPATH:-$(zeek-config --zeekpath)} CLUSTER_NODE=worker-2 zeek -C -r ../traces/worker-2.pcap $PACKAGE ../bulk.zeek"
# @TEST-EXEC: btest-bg-wait 240
# @TEST-EXEC: test "$(zeek-cut note <manager-1/notice.log | grep -c Bulk_Lookups)" = 1
# @TEST-EXEC: test "$(zeek-cut uid <manager-1/whois.log | wc -l)" = 24
# @TEST-EXEC: test ! -e worker-1/whois.log 
# @TEST-EXEC: for node in manager-1 proxy-1 worker-1 worker-2; do cat $node/.stderr $node/reporter.log 2>/dev/null; done | grep -i 'warning\|error' >complaints || true
# @TEST-EXEC: test ! -s complaints

# @TEST-START-FILE cluster-layout.zeek
redef Cluster::nodes = {
	["manager-1"] = [$node_type=Cluster::MANAGER, $ip=127.0.0.1, $p=to_port(getenv("BROKER_MANAGER"))],
	["proxy-1"] = [$node_type=Cluster::PROXY, $ip=127.0.0.1, $p=to_port(getenv("BROKER_PROXY")), $manager="manager-1"],
	["worker-1"] = [$node_type=Cluster::WORKER, $ip=127.0.0.1, $p=to_port(getenv("BROKER_WORKER1")), $manager="manager-1"],
	["worker-2"] = [$node_type=Cluster::WORKER, $ip=127.0.0.1, $p=to_port(getenv("BROKER_WORKER2")), $manager="manager-1"],
};
# @TEST-END-FILE

@load policy/frameworks/cluster/experimental

redef exit_only_after_terminate = T;
redef Log::default_rotation_interval = 0 secs;

# Rows are sent in batches when time goes on, which it does not after the last packet.
redef Broker::log_batch_size = 1;

# Each worker sees twelve.
redef WhosAsking::bulk_threshold = 20.0;

global rows = 0;
global is_counted = F;

event zeek_init()
	{
	if ( Cluster::local_node_type() == Cluster::WORKER )
		suspend_processing();
	}

event Cluster::Experimental::cluster_started()
	{
	if ( Cluster::local_node_type() == Cluster::WORKER )
		continue_processing();
	}

# The last node to be needed is the manager: when it goes, all go.
event Cluster::node_down(name: string, id: string)
	{
	if ( name == "manager-1" )
		terminate();
	}

event leave()
	{
	terminate();
	}

hook Notice::policy(n: Notice::Info)
	{
	if ( n$note == WhosAsking::Bulk_Lookups && Cluster::local_node_type() == Cluster::MANAGER )
		schedule 5 sec { leave() };
	}
