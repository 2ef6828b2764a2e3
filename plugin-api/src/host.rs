//! The host as the rest of this crate uses it: the ABI's results turned into ours.

use std::marker::PhantomData;

use abi_stable::std_types::{RResult, RSlice, RStr, RString, RVec};
use serde_json::{Map, Value as Json};

use crate::abi::{AbiError, AbiHost, Cell, lossy_text};
use crate::{ErrorKind, ExportError, Note, Request, Result, Table};

/// A borrowed host. It stays on its thread: neither `Send` nor `Sync`.
#[derive(Clone, Copy)]
pub(crate) struct Host<'a> {
    raw: &'a dyn AbiHost,
    on_its_thread: PhantomData<*const ()>,
}

impl<'a> Host<'a> {
    pub(crate) fn new(raw: &'a dyn AbiHost) -> Self {
        Self {
            raw,
            on_its_thread: PhantomData,
        }
    }

    pub(crate) fn open_table(self, table: &Table) -> Result<u32> {
        let json = to_json(table)?;
        plain(self.raw.open_table(RStr::from_str(&json)))
    }

    pub(crate) fn write_row(self, table: u32, row: &[Cell<'_>]) -> Result<()> {
        plain(self.raw.write_row(table, RSlice::from_slice(row)))
    }

    pub(crate) fn submit(self, request: &Request) -> Result<u64> {
        let json = to_json(request)?;
        plain(self.raw.submit(RStr::from_str(&json)))
    }

    /// The next finished request: its ticket and its outcome. An error outside is not of a request.
    pub(crate) fn next(self) -> Result<(u64, Result<Finished>)> {
        let mut ticket = 0;
        let outcome = plain(self.raw.next(&mut ticket));
        if ticket == 0 {
            let reason = outcome.err();
            return Err(reason
                .unwrap_or_else(|| ExportError::new(ErrorKind::Host, "the host finished a request without a ticket")));
        }
        let finished = outcome.and_then(|response| {
            // From bytes: the text is not known to be UTF-8.
            let headers = serde_json::from_slice(response.headers_json.into_bytes().as_slice())
                .map_err(|error| ExportError::new(ErrorKind::Host, format!("the host's headers: {error}")))?;
            Ok(Finished {
                status: response.status,
                headers,
                body: response.body,
            })
        });
        Ok((ticket, finished))
    }

    pub(crate) fn checkpoint(self, cursor: &Json) -> Result<()> {
        plain(self.raw.checkpoint(RStr::from_str(&cursor.to_string())))
    }

    pub(crate) fn tell(self, note: &Note) -> Result<()> {
        let json = to_json(note)?;
        self.raw.progress(RStr::from_str(&json));
        Ok(())
    }

    pub(crate) fn cancelled(self) -> bool {
        self.raw.cancelled()
    }
}

/// A response before it knows its request.
pub(crate) struct Finished {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: RVec<u8>,
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| ExportError::new(ErrorKind::Other, error.to_string()))
}

fn plain<T>(result: RResult<T, AbiError>) -> Result<T> {
    match result {
        RResult::ROk(value) => Ok(value),
        RResult::RErr(error) => Err(error.into()),
    }
}

impl From<AbiError> for ExportError {
    fn from(error: AbiError) -> Self {
        let detail = error.detail_json.into_bytes();
        let detail: Map<String, Json> = serde_json::from_slice(detail.as_slice()).unwrap_or_default();
        Self {
            kind: ErrorKind::from_code(error.kind),
            message: lossy_text(error.message),
            status: detail
                .get("status")
                .and_then(Json::as_u64)
                .and_then(|status| u16::try_from(status).ok()),
            place: detail.get("place").and_then(Json::as_str).map(str::to_owned),
        }
    }
}

impl From<ExportError> for AbiError {
    fn from(error: ExportError) -> Self {
        let mut detail = Map::new();
        if let Some(status) = error.status {
            detail.insert("status".into(), status.into());
        }
        if let Some(place) = error.place {
            detail.insert("place".into(), place.into());
        }
        let detail_json = if detail.is_empty() {
            RString::new()
        } else {
            Json::Object(detail).to_string().into()
        };
        Self {
            kind: error.kind.code(),
            message: error.message.into(),
            detail_json,
        }
    }
}
