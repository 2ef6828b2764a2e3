//! Tries what the sandbox forbids, and writes a row for each thing that it could do after all. What it tries stands in the variables
//! `LOOK_AT` (files and folders), `PROGRAM`, `SIGNAL` (a process) and `CONNECT` (an address) of its environment.

mod common;

common::bad_plugin!("looks-around", describe: || common::description("looks-around"), export: |_, out| {
    let things = out.table("Things")?;
    let mut done = Vec::new();
    let look_at = std::env::var("LOOK_AT").unwrap_or_default();
    for path in look_at.split(':') {
        if std::fs::File::open(path).is_ok_and(|mut file| std::io::Read::read(&mut file, &mut [0]).is_ok()) {
            done.push(format!("read {path}"));
        }
        if std::fs::OpenOptions::new().append(true).open(path).is_ok() {
            done.push(format!("wrote {path}"));
        }
        if std::fs::read_dir(path).is_ok() {
            done.push(format!("listed {path}"));
        }
    }
    if std::process::Command::new("/bin/true").status().is_ok() {
        done.push("started a program".into());
    }
    if std::net::TcpListener::bind("127.0.0.1:0").is_ok() {
        done.push("listened".into());
    }
    // It could look at all.
    done.push(format!("looked at {} places", look_at.split(':').count()));
    for (id, what) in (1_i64..).zip(&done) {
        out.write(things, &[plugin_api::Value::Int(id), plugin_api::Value::Text(what)])?;
    }
    Ok(())
});
