//! Serde forms for snapshots of what JSON has no form of.

/// Maps whose keys are no text: a list of pairs, in the order of the keys. For `#[serde(with = "pairs")]`.
pub mod map {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the pairs.
    pub fn serialize<K: Serialize, V: Serialize, S: Serializer>(map: &BTreeMap<K, V>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    /// Reads them.
    pub fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::deserialize(from).map(|pairs: Vec<(K, V)>| pairs.into_iter().collect())
    }
}

/// Sources of chance: they go on where they were. For `#[serde(with = "rng")]`.
pub mod rng {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes how far it is.
    pub fn serialize<S: Serializer>(rng: &fastrand::Rng, to: S) -> Result<S::Ok, S::Error> {
        rng.get_seed().serialize(to)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<fastrand::Rng, D::Error> {
        u64::deserialize(from).map(fastrand::Rng::with_seed)
    }
}
