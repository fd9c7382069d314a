//! Which cluster is meant, as kubectl has it.

use std::path::PathBuf;

use crate::assembly::cluster::Cluster;

/// Which cluster.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ClusterFlags {
    /// Kubeconfig file. Default: KUBECONFIG, ~/.kube/config, or the pod's own identity
    #[arg(long, value_name = "FILE", conflicts_with = "manifests", help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig. Default: its current one
    #[arg(long, value_name = "NAME", conflicts_with = "manifests", help_heading = "Cluster")]
    context: Option<String>,
}

impl ClusterFlags {
    pub(super) fn cluster(self) -> Cluster {
        Cluster { kubeconfig: self.kubeconfig, context: self.context }
    }
}
