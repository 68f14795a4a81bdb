"""Files for other programs: rules for Prometheus, a dashboard for Grafana, a systemd unit. See `watch.printed`."""
