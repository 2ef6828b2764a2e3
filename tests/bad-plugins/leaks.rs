//! Takes memory and gives none back, while it goes on writing.

mod common;

common::bad_plugin!("leaks", describe: || common::description("leaks"), export: |_, out| {
    let things = out.table("Things")?;
    let mut kept = Vec::new();
    for id in 1.. {
        kept.push(vec![1_u8; 1 << 18]);
        out.write(things, &[plugin_api::Value::Int(id), plugin_api::Value::Text("more")])?;
        // So slowly that it can be watched.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    drop(kept);
    Ok(())
});
