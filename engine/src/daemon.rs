//! The daemon: runs schedules, lets archives expire, sends notifications, reloads its configuration.
