//! The daemon as a service manager and people with signals meet it: the real process, and the processes of its backups.

#[path = "daemon/child.rs"]
mod child;
#[path = "daemon/contain.rs"]
mod contain;
#[path = "daemon/crash.rs"]
mod crash;
#[path = "daemon/harness.rs"]
mod harness;
#[path = "daemon/home.rs"]
mod home;
#[path = "daemon/lock.rs"]
mod lock;
#[path = "daemon/reload.rs"]
mod reload;
#[path = "daemon/stop.rs"]
mod stop;
#[path = "daemon/systemd.rs"]
mod systemd;
#[path = "daemon/time.rs"]
mod time;
