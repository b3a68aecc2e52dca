"""All orchestration, one file a command. The command line, the node and the web call these."""
