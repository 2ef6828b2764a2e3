//! An answer, before it is HTTP.

/// What is answered.
#[derive(Debug)]
pub(crate) enum Reply {
    /// 204.
    Empty,
    /// 200 with JSON.
    Json(Vec<u8>),
    /// 200 with the bytes of an attachment.
    Bytes { name: String, bytes: Vec<u8> },
}

/// `{"data":[...]}`, while it is being written.
pub(crate) struct List {
    out: Vec<u8>,
    rows: usize,
}

impl List {
    /// A list under this name, with room for `capacity` bytes.
    pub(crate) fn new(name: &str, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":[");
        Self { out, rows: 0 }
    }

    /// Where the next row goes.
    pub(crate) fn row(&mut self) -> &mut Vec<u8> {
        if self.rows > 0 {
            self.out.push(b',');
        }
        self.rows += 1;
        &mut self.out
    }

    /// The list, with `tail` (further keys, from the comma on) behind it; empty as the desk has it.
    pub(crate) fn end(mut self, tail: &str, empty_is_204: bool) -> Reply {
        if self.rows == 0 && empty_is_204 {
            return Reply::Empty;
        }
        self.out.push(b']');
        self.out.extend_from_slice(tail.as_bytes());
        self.out.push(b'}');
        Reply::Json(self.out)
    }
}
