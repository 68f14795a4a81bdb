"""Files for other programs: rules for Prometheus, a dashboard for Grafana, systemd units. See `printed`."""
