//! Who is who in a control plane: one authority, and what it has signed.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

/// Signs the others.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    certificate: String,
    key: String,
}

/// A certificate and its key, both PEM.
pub(super) struct Identity {
    certificate: String,
    key: String,
    public_key: String,
}

impl Authority {
    /// A new one.
    pub(super) fn new() -> Result<Self, rcgen::Error> {
        let mut params = named("hubkeeper control plane", None)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let text = key.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(params, key)?;
        let certificate = issuer.pem();
        Ok(Self { issuer, certificate, key: text })
    }

    /// PEM.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// PEM.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Of the API server.
    pub(super) fn server(&self) -> Result<Identity, rcgen::Error> {
        let names = ["127.0.0.1", "10.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
        let mut params = named("kube-apiserver", None)?;
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// Of a client: its user name and its group.
    pub(super) fn client(&self, name: &str, group: Option<&str>) -> Result<Identity, rcgen::Error> {
        let mut params = named(name, group)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem(), public_key: key.public_key_pem() })
    }
}

impl Identity {
    /// PEM.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// PEM.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// PEM.
    pub(super) fn public_key(&self) -> &str {
        &self.public_key
    }
}

fn named(name: &str, organization: Option<&str>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    Ok(params)
}
