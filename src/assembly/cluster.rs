//! Which cluster is meant, and the way to it: for `run`, and for commands that look at it once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use crate::cluster::identity::IdentityError;
use crate::cluster::read::{ReadError, Reader, cause, quoted};
use crate::core::hub_owner::HubOwner;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::Desired;

/// How long the API server may keep us waiting for an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(30);
/// How long a watch may be silent: longer than it lasts, which is 290 s unless one asks for something else. Without a bound, a
/// connection that is gone without a word would never be missed.
pub(super) const SILENCE: Duration = Duration::from_mins(5);

/// Which cluster, as kubectl has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Instead of `KUBECONFIG`, `~/.kube/config` and the pod's own.
    pub kubeconfig: Option<PathBuf>,
    /// Instead of the kubeconfig's current context.
    pub context: Option<String>,
}

/// Why a cluster cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct ClusterError {
    sentence: String,
    advice: String,
}

impl ClusterError {
    fn new(sentence: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), advice: advice.into() }
    }

    /// What a person does next.
    pub fn advice(&self) -> &str {
        &self.advice
    }
}

impl Cluster {
    /// The flags by which kubectl and Hubkeeper find the same cluster, each with a space before it.
    pub fn flags(&self) -> String {
        let kubeconfig = self.kubeconfig.as_deref().map(|path| format!(" --kubeconfig {}", quoted(&path.display().to_string())));
        let context = self.context.as_deref().map(|context| format!(" --context {}", quoted(context)));
        [kubeconfig, context].into_iter().flatten().collect()
    }

    /// How to reach it.
    pub async fn config(&self) -> Result<Config, ClusterError> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let found = match &self.kubeconfig {
            Some(path) => match Kubeconfig::read_from(path) {
                Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
                Err(error) => Err(error),
            },
            None => Config::from_kubeconfig(&options).await,
        };
        match found {
            Ok(config) => Ok(config),
            // In a pod nobody needs a kubeconfig.
            Err(error) if *self == Self::default() => Config::incluster().map_err(|_| self.failed(&error)),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &KubeconfigError) -> ClusterError {
        const OR_DIRECTORY: &str = "Name one with --kubeconfig, or a directory of manifests with -f.";
        // What lists contexts takes none.
        let file = Self { context: None, ..self.clone() }.flags();
        let contexts = format!("`kubectl{file} config get-contexts` lists them: name one with --context.");
        let missing = |path: &Path| match (&self.kubeconfig, &self.context) {
            (None, None) => format!("failed to find a cluster: there is no kubeconfig {}, and this is no pod", path.display()),
            _ => format!("failed to find the kubeconfig {}", path.display()),
        };
        match error {
            KubeconfigError::ReadConfig(source, path) if source.kind() == std::io::ErrorKind::NotFound => {
                ClusterError::new(missing(path), OR_DIRECTORY)
            }
            KubeconfigError::ReadConfig(source, path) => {
                ClusterError::new(format!("failed to read the kubeconfig {}: {source}", path.display()), OR_DIRECTORY)
            }
            KubeconfigError::FindPath => {
                ClusterError::new("failed to find a cluster: no kubeconfig is named, and this is no pod", OR_DIRECTORY)
            }
            KubeconfigError::LoadContext(name) => {
                ClusterError::new(format!("failed to find the context {name:?} in the kubeconfig"), contexts)
            }
            KubeconfigError::CurrentContextNotSet => {
                ClusterError::new("failed to choose a context: the kubeconfig has no current one", contexts)
            }
            KubeconfigError::LoadClusterOfContext(name) => ClusterError::new(
                format!("failed to find the cluster {name:?}, which the context names, in the kubeconfig"),
                contexts,
            ),
            other => ClusterError::new(
                format!("failed to use the kubeconfig: {}", cause(other)),
                format!("`kubectl{file} config view` tells what is in it."),
            ),
        }
    }

    /// The way to it, for who looks once.
    pub async fn connect(&self) -> Result<Connected, ClusterError> {
        let config = self.config().await?;
        let server = config.cluster_url.to_string();
        let client = client(&config, ANSWER).map_err(|error| {
            let file = self.flags();
            let advice = format!("`kubectl{file} auth whoami` tells whether kubectl can do better: sign in again.");
            ClusterError::new(format!("failed to sign in to the API server at {server}: {}", cause(&error)), advice)
        })?;
        let reader = Reader::new(client, server.trim_end_matches('/').to_owned());
        Ok(Connected { reader, namespace: config.default_namespace, flags: self.flags() })
    }
}

/// A cluster that can be asked.
pub struct Connected {
    reader: Reader,
    namespace: String,
    flags: String,
}

impl std::fmt::Debug for Connected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connected").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Connected {
    /// The namespace of the context.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Who asks, as the API server knows them.
    pub async fn who(&self) -> Result<String, ClusterError> {
        self.reader.who().await.map_err(|error| self.failed(&error))
    }

    /// Everything that is declared.
    pub async fn everything(&self) -> Result<Desired, ClusterError> {
        self.reader.everything().await.map_err(|error| self.failed(&error))?;
        Ok(self.reader.desired())
    }

    /// What is declared of hubs.
    pub async fn hubs(&self) -> Result<Desired, ClusterError> {
        self.reader.list(Kind::SecurityHub).await.map_err(|error| self.failed(&error))?;
        Ok(self.reader.desired())
    }

    /// By what name this cluster owns a hub that was read: as its controller says, else the cluster's own.
    pub async fn owner(&self, hub: &str) -> Result<HubOwner, IdentityError> {
        match self.reader.keeper(hub) {
            Some(owner) => Ok(owner),
            None => self.reader.identity().await,
        }
    }

    /// One object, and everything of one other kind: no more is read than is needed, because who approves may not be let see all.
    pub async fn about(&self, object: &ObjectRef, kind: Kind) -> Result<Desired, ClusterError> {
        self.reader.get(object).await.map_err(|error| self.failed(&error))?;
        self.reader.list(kind).await.map_err(|error| self.failed(&error))?;
        Ok(self.reader.desired())
    }

    fn failed(&self, error: &ReadError) -> ClusterError {
        ClusterError::new(error.to_string(), error.advice(&self.flags))
    }
}

/// A client that gives up after `answer` without a byte, and does not retry by itself: who asks knows better.
pub(super) fn client(config: &Config, answer: Duration) -> kube::Result<Client> {
    let mut config = config.clone();
    config.default_retry = false;
    config.connect_timeout = Some(answer.min(Duration::from_secs(5)));
    config.read_timeout = Some(answer);
    Client::try_from(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_what_a_shell_takes_as_they_were_given() {
        let cluster = |kubeconfig: Option<&str>, context: Option<&str>| {
            Cluster { kubeconfig: kubeconfig.map(PathBuf::from), context: context.map(str::to_owned) }.flags()
        };
        assert_eq!(cluster(None, None), "");
        assert_eq!(cluster(Some("/etc/kube config"), Some("prod")), " --kubeconfig '/etc/kube config' --context prod");
        assert_eq!(cluster(None, Some("it's")), r" --context 'it'\''s'");
    }
}
