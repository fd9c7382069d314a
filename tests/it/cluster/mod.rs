//! On a real API server: one control plane for all tests of a run, started by the first that asks.

mod admission;
mod lease;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hubkeeper::controlplane::{Binaries, ControlPlane, Options};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};

/// The programs, as `tests/setup.sh controlplane` or `KUBEBUILDER_ASSETS` has them.
fn binaries() -> Binaries {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/controlplane"), PathBuf::from);
    Binaries::in_folder(&folder).unwrap()
}

/// The control plane of this run, with our definitions. It ends with this process.
fn plane() -> &'static ControlPlane {
    static PLANE: OnceLock<(ControlPlane, tempfile::TempDir)> = OnceLock::new();
    let (plane, _) = PLANE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let start = async {
            let options = Options { controllers: true, audit: true, ..Options::default() };
            let plane = ControlPlane::start(&binaries(), folder.path(), &options).await.unwrap();
            define(&Client::try_from(plane.config().await.unwrap()).unwrap()).await;
            plane
        };
        // Not in the runtime of the test that asks first: it ends with that test.
        let plane = std::thread::scope(|scope| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            scope.spawn(move || runtime.block_on(start)).join().unwrap()
        });
        (plane, folder)
    });
    plane
}

/// A client of the administrator, in the runtime of the test.
async fn admin() -> Client {
    let mut config = plane().config().await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// Installs our definitions and waits until they are served.
async fn define(client: &Client) {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in hubkeeper::api::all_crds() {
        let name = crd.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(&crd)).await.unwrap();
        kube::runtime::wait::await_condition(api.clone(), &name, kube::runtime::conditions::is_crd_established()).await.unwrap();
    }
}
