//! The one integration-test binary: everything that looks at Hubkeeper from outside a room.

mod layering;
