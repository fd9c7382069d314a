//! What most tests declare.

/// A hub whose limits are in nobody's way.
pub const HUB: &str = "apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {name: main}
spec: {homeRegion: eu-west-1, limits: {maxFindings: 1000, maxPercent: 100}}
---
";

/// Suppresses what fails these controls; several are separated by commas.
pub fn policy(name: &str, controls: &str) -> String {
    format!(
        "apiVersion: hubkeeper.dev/v1alpha1
kind: ControlPolicy
metadata: {{name: {name}}}
spec:
  mode: Enforce
  limits: {{maxFindings: 1000, maxPercent: 100}}
  rules: [{{name: one, match: {{controls: [{controls}]}}, response: {{suppress: {{reason: OutOfScope}}}}}}]
---
"
    )
}
