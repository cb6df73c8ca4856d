//! Lists: `?offset=&limit=`, and the links from page to page.

use serde_json::{Map, Value, json};

use super::error::TmsError;
use crate::sandbox::reply::Reply;

/// The page length when none is asked for (spec).
const LIMIT_DEFAULT: usize = 20;
/// The longest page (spec).
const LIMIT_MAX: usize = 100;

/// The part of a list that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    /// Reads a query; other parameters are ignored.
    pub(crate) fn read(query: &str) -> Result<Self, TmsError> {
        let mut page = Self {
            offset: 0,
            limit: LIMIT_DEFAULT,
        };
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("offset", value)) => page.offset = number(value, "offset")?,
                Some(("limit", value)) => page.limit = number(value, "limit")?,
                _ => {}
            }
        }
        if (1..=LIMIT_MAX).contains(&page.limit) {
            Ok(page)
        } else {
            Err(TmsError::invalid("limit", "query"))
        }
    }

    /// The items on the page.
    pub(crate) fn of<I: Iterator>(self, items: I) -> impl Iterator<Item = I::Item> {
        items.skip(self.offset).take(self.limit)
    }
}

fn number(value: &str, name: &str) -> Result<usize, TmsError> {
    value.parse().map_err(|_| TmsError::invalid(name, "query"))
}

/// The reply that shows a page of the list at `path`; `total` counts the whole list.
pub(crate) fn reply(path: &str, page: Page, name: &str, items: Vec<Value>, total: usize) -> Reply {
    let Page { offset, limit } = page;
    let link = |offset: usize| json!({"href": format!("{path}?offset={offset}&limit={limit}")});
    let mut links = Map::new();
    links.insert("self".to_owned(), link(offset));
    links.insert("first".to_owned(), link(0));
    if offset > 0 {
        links.insert("prev".to_owned(), link(offset.saturating_sub(limit)));
    }
    if offset.saturating_add(limit) < total {
        links.insert("next".to_owned(), link(offset + limit));
    }
    let last = total.saturating_sub(1) / limit * limit;
    links.insert("last".to_owned(), link(last));
    Reply::json(
        200,
        json!({
            "_links": links,
            "offset": offset,
            "limit": limit,
            "count": items.len(),
            "total": total,
            "_embedded": {name: items},
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let page = |offset, limit| Page { offset, limit };
        assert_eq!(Page::read("").unwrap(), page(0, 20));
        assert_eq!(Page::read("limit=5&offset=10&x").unwrap(), page(10, 5));
        for bad in ["limit=0", "limit=101", "limit=a", "offset=-1"] {
            assert!(Page::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn links_lead_through_the_list() {
        let page = Page::read("offset=2&limit=2").unwrap();
        let body = reply("/x", page, "items", vec![json!(3), json!(4)], 5)
            .body
            .unwrap();
        let href = |name: &str| body["_links"][name]["href"].as_str().unwrap_or("-");
        assert_eq!(href("first"), "/x?offset=0&limit=2");
        assert_eq!(href("prev"), "/x?offset=0&limit=2");
        assert_eq!(href("next"), "/x?offset=4&limit=2");
        assert_eq!(href("last"), "/x?offset=4&limit=2");
        assert_eq!((&body["count"], &body["total"]), (&json!(2), &json!(5)));
        assert_eq!(body["_embedded"]["items"], json!([3, 4]));
    }

    #[test]
    fn an_empty_list_has_no_next_page() {
        let body = reply("/x", Page::read("").unwrap(), "items", vec![], 0)
            .body
            .unwrap();
        assert!(body["_links"].get("next").is_none());
        assert!(body["_links"].get("prev").is_none());
        assert_eq!(body["total"], json!(0));
    }
}
