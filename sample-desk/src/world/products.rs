//! Products.

use super::contacts::layout;
use super::desk::World;
use super::id::Place;
use super::json::{Object, k, number};
use super::overlay::State;
use super::people::{agent_id, department_id};
use super::{Id, Kind, Shape};

/// The id of a product.
pub(super) const fn product_id(index: u32) -> Id {
    Place::top(Kind::Product, index).id()
}

impl World {
    /// `ProductRef`.
    pub(super) fn product_ref(&self, o: &mut Object<'_>, index: u32) {
        o.id(k!("id"), product_id(index));
        self.product_name(o, index);
    }

    fn product_name(&self, o: &mut Object<'_>, index: u32) {
        let throw = self.dice(Kind::Product, index).throw(1);
        o.made(k!("productName"), |out| {
            out.extend_from_slice(self.texts.products.pick(throw));
            out.push(b' ');
            number(out, u64::from(index) + 1);
        });
    }

    /// Departments that a product is for.
    pub(super) fn product_departments(&self, index: u32) -> impl Iterator<Item = u32> {
        let bits = self.dice(Kind::Product, index).throw(2) & 31 | 1;
        (0..5).filter(move |n| bits >> n & 1 == 1)
    }

    /// A product in a shape.
    pub(super) fn product(&self, index: u32, state: &State, shape: Shape, o: &mut Object<'_>) {
        let dice = self.dice(Kind::Product, index);
        let edit = dice.with(u64::from(state.salt));
        o.id(k!("id"), product_id(index));
        self.product_name(o, index);
        o.made_if(k!("productCode"), !dice.one_in(3, 6), |out| {
            // Codes begin with zeros.
            out.extend_from_slice(b"00");
            number(out, dice.below(4, 100_000));
        });
        o.made_if(k!("unitPrice"), !edit.one_in(5, 6), |out| {
            number(out, edit.below(6, 5000));
            out.extend_from_slice(b".90");
        });
        o.ids(k!("departmentIds"), self.product_departments(index).map(department_id));
        if matches!(shape, Shape::List | Shape::Included) {
            return;
        }
        let owner = (!dice.one_in(7, 5)).then(|| self.agent_of(dice.throw(8)));
        o.maybe(k!("description"), (!edit.one_in(9, 3)).then(|| self.texts.line(edit)));
        o.maybe_id(k!("ownerId"), owner.map(agent_id));
        self.agent_ref(o, k!("owner"), owner);
        o.maybe(k!("manufacturer"), dice.one_in(10, 2).then_some(&b"Inkwell BV"[..]));
        o.maybe(
            k!("productCategory"),
            dice.one_in(11, 2).then_some(&b"Hardware, small"[..]),
        );
        self.custom.write(o, edit, &self.texts);
        o.id(k!("createdBy"), agent_id(self.agent_of(dice.throw(12))));
        o.time(k!("createdTime"), self.created(Kind::Product, index));
        o.id(
            k!("modifiedBy"),
            agent_id(state.modifier.unwrap_or_else(|| self.agent_of(dice.throw(13)))),
        );
        o.time(
            k!("modifiedTime"),
            state.modified.unwrap_or_else(|| self.modified(Kind::Product, index)),
        );
        o.bool(k!("isDeleted"), false);
        layout(o, 40, b"Products");
    }
}
