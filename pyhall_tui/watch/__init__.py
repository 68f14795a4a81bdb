"""Watching without a screen: the parts around the engine and the journal.

`watcher.Watcher` runs `watched_fleets.WatchedFleets`: a `watched_fleet.WatchedFleet` for each profile, while that holds
its `lease.Lease`. `followed_profiles` reads `profiles.toml` again when it changes. Lines go to standard output through
`output.Output`: `event_lines` prints events from the journal, `lines` has the shape of each.

The parts that leave the watcher, and how to use them. All belong to one asyncio loop.

- **Metrics.** First, before anything is asked, `metrics.address.listen("127.0.0.1:9464", remote=False)`: it raises
  `Refused`, whose message is a sentence (`NotServed` if the address is right, but in use). Then run
  `metrics.server.MetricsServer(socket, page).serve()` as a task, with
  `page = lambda: watch.metrics.render(WatcherState(profiles=[state_of(workspace, counts), …],
  alerts_sent=deliveries.sent, lines_lost=…))`. There is one `profile_state.ProfileCounts` for each profile: set
  `workspace.connection.on_request = counts.requests.take`, and pass the listener's events to `counts.events_happened`.
- **Receivers.** `deliveries.Deliveries(clock, alertmanager=URL, webhook=URL)` raises `ValueError` with a sentence for a
  URL that can't be used. A URL may be `@FILE`, because everybody on the machine sees a command line. `await check()`
  returns what is wrong with them now, each with whether to end for it. Then run
  `follow(WatchedProfile(name, journal.alarms, workspace.alarms.book, workspace.take_events), workspace.notes, command)`
  as a task for each profile whose lease you hold, and cancel it when you lose the lease: nothing is lost. Without any
  receiver it returns at once. `command` is what `command.command_of(store, name)` returns: None, or the profile's
  `on_alarm`; it raises `CommandMistake` and `ProfilesFileError`, whose messages are sentences.
- **The service manager.** `service_manager.ServiceManager.of_environment()`: `ready()`, `stopping()`, `status(text)`,
  and `alive()` every `alive_every` seconds. It does nothing if there is none.
"""
