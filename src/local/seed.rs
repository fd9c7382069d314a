//! stub for the moment
use crate::core::ids::Region;
use super::hub::Hub;
use super::hub::organization::{Account, Organization};
/// x
pub struct Company { organization: Organization }
impl Company {
    /// x
    pub fn new(_accounts: usize, _regions: usize, _seed: u64, _first: Option<&Region>) -> Self {
        todo!()
    }
    /// x
    pub fn organization(&self) -> Organization { self.organization.clone() }
    /// x
    pub fn fill(&self, _hub: &mut Hub, _n: usize, _now: jiff::Timestamp) {}
}
