//! The daemon: runs schedules, lets archives expire, sends notifications, reloads its configuration.
mod child;
mod job;
mod lock;
mod systemd;
mod watch;
mod wire;
