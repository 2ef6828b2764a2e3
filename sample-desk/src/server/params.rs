//! The parameters of a request, checked against the table.

use std::borrow::Cow;

use crate::server::error::ApiError;
use crate::server::route::id;
use crate::server::surface::{Endpoint, Parameter, Type};
use crate::server::times;
use crate::world::Id;

/// Most bytes of a query that are read.
const MAX_QUERY: usize = 64 * 1024;

/// Names and values, in their order.
pub(crate) type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// What a request asks for; all of it is as the table wants it.
#[derive(Debug, Default)]
pub(crate) struct Params<'a> {
    given: Pairs<'a>,
}

impl<'a> Params<'a> {
    /// Reads a query, or says what is wrong with it.
    pub(crate) fn read(query: &'a str, endpoint: &Endpoint) -> Result<Self, ApiError> {
        let mut params = Self { given: pairs(query)? };
        // Taken as a header's equal on every call, so no endpoint lists it.
        let org = params.given.iter().position(|(name, _)| name == "orgId");
        if let Some(at) = org {
            params.given.swap_remove(at);
        }
        for (at, (name, value)) in params.given.iter().enumerate() {
            let Some((_, parameter)) = endpoint.query.iter().find(|(known, _)| known == name) else {
                return Err(ApiError::extra(name));
            };
            if params.given[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::duplicate(name));
            }
            check(name, value, parameter)?;
        }
        match endpoint
            .query
            .iter()
            .find(|(name, parameter)| parameter.required && params.text(name).is_none())
        {
            Some((name, _)) => Err(ApiError::missing(name)),
            None => Ok(params),
        }
    }

    /// All that were given, by name.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// A parameter as it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_ref())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "true")
    }

    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.text(name)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
    }

    pub(crate) fn ids(&self, name: &str) -> Vec<Id> {
        self.list(name).filter_map(id).collect()
    }

    pub(crate) fn id(&self, name: &str) -> Option<Id> {
        self.text(name).and_then(id)
    }

    pub(crate) fn range(&self, name: &str, inclusive: bool) -> Option<(i64, i64)> {
        times::range(self.text(name)?, inclusive)
    }

    /// How many records are asked for.
    pub(crate) fn limit(&self, endpoint: &Endpoint) -> u64 {
        self.number("limit").unwrap_or_else(|| {
            let limit = endpoint.query.iter().find(|(name, _)| name == "limit");
            limit.and_then(|(_, parameter)| parameter.default).unwrap_or(u64::MAX)
        })
    }

    /// How many records come before those that are asked for.
    pub(crate) fn offset(&self, endpoint: &Endpoint) -> u64 {
        self.number("from")
            .unwrap_or(endpoint.first)
            .saturating_sub(endpoint.first)
    }
}

/// The pairs of a query string, decoded.
pub(crate) fn pairs(query: &str) -> Result<Pairs<'_>, ApiError> {
    let bad = || ApiError::new(400, "BAD_REQUEST", "The query string is malformed.");
    if query.len() > MAX_QUERY {
        return Err(bad());
    }
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name).ok_or_else(bad)?, decode(value).ok_or_else(bad)?))
        })
        .collect()
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
                out.push((digit(at + 1)? * 16 + digit(at + 2)?) as u8);
                at += 2;
            }
            b'+' => out.push(b' '),
            byte => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn check(name: &str, value: &str, parameter: &Parameter) -> Result<(), ApiError> {
    let invalid = || ApiError::invalid(name);
    let good = match parameter.kind {
        Type::Int => return check_int(name, value, parameter),
        Type::Unserved => return Err(ApiError::unserved(name)),
        Type::Id => id(value).is_some(),
        Type::Ids => value.split(',').all(|item| id(item.trim()).is_some()),
        Type::Text => value.chars().count() as u64 >= parameter.min.unwrap_or(1),
        Type::Bool => matches!(value, "true" | "false"),
        Type::TimeRange => times::range(value, true).is_some(),
        Type::Enum => {
            let value = if parameter.descending {
                value.strip_prefix('-').unwrap_or(value)
            } else {
                value
            };
            parameter.values.iter().any(|known| known == value)
        }
        Type::Csv => {
            parameter.values.is_empty()
                || value
                    .split(',')
                    .all(|item| parameter.values.iter().any(|known| known == item.trim()))
        }
    };
    if !good {
        return Err(invalid());
    }
    let many = matches!(parameter.kind, Type::Ids | Type::Csv);
    match parameter.max_items {
        Some(max) if many && value.split(',').count() > max => Err(invalid()),
        _ => Ok(()),
    }
}

fn check_int(name: &str, value: &str, parameter: &Parameter) -> Result<(), ApiError> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::invalid(name));
    }
    let (min, max) = (parameter.min.unwrap_or(0), parameter.max.unwrap_or(i32::MAX as u64));
    match value.parse::<u64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err(ApiError::range(name, min, max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let check = |query: &str, expect: Option<&[(&str, &str)]>| {
            let found = pairs(query).ok();
            let found: Option<Vec<(&str, &str)>> = found
                .as_ref()
                .map(|pairs| pairs.iter().map(|(name, value)| (&**name, &**value)).collect());
            assert_eq!(found.as_deref(), expect, "{query}");
        };
        check("", Some(&[]));
        check("a=1&b=&c", Some(&[("a", "1"), ("b", ""), ("c", "")]));
        check(
            "r=2031-01-01T00%3A00%3a00.000Z%2C2",
            Some(&[("r", "2031-01-01T00:00:00.000Z,2")]),
        );
        check("q=%E3%83%97+x%2B", Some(&[("q", "プ x+")]));
        check("q=%E3%83", None);
        check("q=%", None);
        check("q=%4", None);
        check("q=%zz", None);
    }
}
