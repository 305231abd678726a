# Logs in JSON, and only those that the sensor has too.

redef LogAscii::use_json = T;

event zeek_init() &priority=-100
	{
	local kept = set("conn", "dns", "http", "ssl", "x509", "files", "ssh", "quic", "weird", "tunnel");
	local others: vector of Log::ID;
	for ( id in Log::active_streams )
		{
		local stream = Log::active_streams[id];
		if ( ! stream?$path || stream$path !in kept )
			others += id;
		}
	for ( i in others )
		Log::disable_stream(others[i]);
	}
