//! Who signed a request.
//!
//! The access key is the account: twelve digits. The secret key is the principal's name; it never travels, so the signature is
//! computed with each name that the hub knows (see `LocalOptions::principals`), and the one that fits is the caller; if none
//! does, the account's root. Sessions of AssumeRole carry account, role and session name in their session token, sealed; their
//! signature must fit. Nothing here is a security measure: anybody can be anybody.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::ids::AccountId;
use crate::local::clock::after;
use crate::local::hub::caller::{Caller, Principal};
use crate::wire::error::AwsError;
use crate::wire::sigv4::{Authorization, Signed, hex, hmac, sha256};
use crate::wire::sts::{Credentials, Identity};
use crate::wire::token::Tokens;

use super::Incoming;

/// Knows principals, roles and sessions. Its `Debug` shows none of the names, since they are secret keys.
pub struct Identities {
    principals: Vec<String>,
    external_ids: BTreeMap<String, String>,
    tokens: Tokens,
    secret: [u8; 32],
    /// The signing keys of the last scopes: computing them is most of the work.
    keys: Mutex<Keys>,
}

/// Date, Region and service; the key of each principal.
type Keys = BTreeMap<[String; 3], Vec<[u8; 32]>>;
/// Scopes that are remembered: more than AWS has Regions, for two services.
const SCOPES: usize = 128;

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identities").finish_non_exhaustive()
    }
}

/// What a session token says.
#[derive(Serialize, Deserialize)]
struct Session {
    account: AccountId,
    role: String,
    name: String,
    /// Seconds since 1970.
    ends: i64,
}

/// What the sealed cursor is bound to.
const SESSION: &str = "session of AssumeRole";

impl Identities {
    /// Told apart by these names; roles by ARN that take an external id.
    pub fn new(principals: Vec<String>, external_ids: BTreeMap<String, String>, seed: u64) -> Self {
        let secret = sha256(format!("sessions of hub {seed}").as_bytes());
        Self { principals, external_ids, tokens: Tokens::new(secret), secret, keys: Mutex::default() }
    }

    /// Who sent this to `service`; the request remembers it.
    pub(super) fn caller(&self, incoming: &Incoming, service: &str, now: Timestamp) -> Result<Caller, AwsError> {
        let caller = self.signer(incoming, service, now)?;
        Ok(incoming.caller.get_or_init(|| caller).clone())
    }

    fn signer(&self, incoming: &Incoming, service: &str, now: Timestamp) -> Result<Caller, AwsError> {
        let header = incoming.header("authorization").ok_or_else(|| AwsError::missing_token("Missing Authentication Token"))?;
        let authorization = Authorization::parse(header).ok_or_else(|| {
            AwsError::missing_token("The Authorization header is not a Signature Version 4 one (AWS4-HMAC-SHA256 Credential=…)")
        })?;
        if authorization.service != service {
            return Err(AwsError::invalid_signature(format!("Credential should be scoped to correct service: '{service}'.")));
        }
        let region = authorization
            .region
            .parse()
            .map_err(|_| AwsError::invalid_signature("The credential scope of the signature names no Region"))?;
        let to_sign = string_to_sign(incoming, &authorization);
        let (account, principal) = if let Some(token) = incoming.header("x-amz-security-token") {
            self.session(&authorization, token, &to_sign, now)?
        } else {
            let account = authorization.access_key.parse().map_err(|_| {
                AwsError::unrecognized_client(
                    "The security token included in the request is invalid: with Security Hub Local the access key id is the \
                         account, twelve digits, and the secret access key the name of the caller",
                )
            })?;
            (account, self.principal(&authorization, &to_sign))
        };
        Ok(Caller { account, region, principal })
    }

    fn principal(&self, authorization: &Authorization, to_sign: &str) -> Principal {
        let Authorization { date, region, service, signature, .. } = authorization;
        let scope = [date.clone(), region.clone(), service.clone()];
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= SCOPES && !keys.contains_key(&scope) {
            keys.clear();
        }
        let known =
            keys.entry(scope).or_insert_with(|| self.principals.iter().map(|name| authorization.signing_key(name)).collect());
        let fits = |key: &[u8; 32]| hex(&hmac(key, to_sign.as_bytes())) == *signature;
        match known.iter().position(fits).and_then(|place| self.principals.get(place)) {
            Some(name) => Principal::User(name.as_str().into()),
            None => Principal::Root,
        }
    }

    fn session(
        &self,
        authorization: &Authorization,
        token: &str,
        to_sign: &str,
        now: Timestamp,
    ) -> Result<(AccountId, Principal), AwsError> {
        let unknown = || AwsError::unrecognized_client("The security token included in the request is invalid.");
        let cursor = self.tokens.open(SESSION, token).map_err(|_| unknown())?;
        let session: Session = serde_json::from_str(&cursor).map_err(|_| unknown())?;
        let (access_key, secret_key) = self.keys_of(session.account, token);
        if access_key != authorization.access_key {
            return Err(unknown());
        }
        if session.ends <= now.as_second() {
            return Err(AwsError::expired_token("The security token included in the request is expired"));
        }
        if hex(&hmac(&authorization.signing_key(&secret_key), to_sign.as_bytes())) != authorization.signature {
            return Err(AwsError::invalid_signature(
                "The request signature we calculated does not match the signature you provided.",
            ));
        }
        let (role, session_name) = (session.role.as_str().into(), session.name.as_str().into());
        Ok((session.account, Principal::Session { role, session: session_name }))
    }

    /// The key pair that belongs to a session token.
    fn keys_of(&self, account: AccountId, token: &str) -> (String, String) {
        let id = hex(&hmac(&self.secret, format!("id {token}").as_bytes())).to_ascii_uppercase();
        let secret = hex(&hmac(&self.secret, format!("secret {token}").as_bytes()));
        (format!("ASIA{account}{}", id.get(..8).unwrap_or_default()), secret)
    }

    /// AssumeRole: any role of any account, if its external id fits. An error has the code that STS gives.
    pub(super) fn assume(
        &self,
        caller: &Caller,
        role_arn: &str,
        session: &str,
        external_id: Option<&str>,
        lasts: Duration,
        now: Timestamp,
    ) -> Result<(Identity, Credentials), AwsError> {
        let bad_arn = || AwsError::validation(format!("{role_arn} is invalid"));
        let mut parts = role_arn.strip_prefix("arn:aws:iam::").ok_or_else(bad_arn)?.splitn(2, ':');
        let account: AccountId = parts.next().and_then(|account| account.parse().ok()).ok_or_else(bad_arn)?;
        let name = parts.next().and_then(|role| role.strip_prefix("role/")).ok_or_else(bad_arn)?;
        let role = name.rsplit('/').next().filter(|role| !role.is_empty()).ok_or_else(bad_arn)?;
        if self.external_ids.get(role_arn).is_some_and(|wanted| external_id != Some(wanted)) {
            return Err(AwsError::sts_access_denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                caller.arn()
            )));
        }
        let expiration = after(now, lasts);
        let claims = Session { account, role: role.to_owned(), name: session.to_owned(), ends: expiration.as_second() };
        let claims = serde_json::to_string(&claims).map_err(|error| AwsError::internal(error.to_string()))?;
        let session_token = self.tokens.seal(SESSION, &claims);
        let (access_key_id, secret_access_key) = self.keys_of(account, &session_token);
        let principal = Principal::Session { role: role.into(), session: session.into() };
        let assumed = Caller { account, region: caller.region.clone(), principal };
        Ok((identity(&assumed), Credentials { access_key_id, secret_access_key, session_token, expiration }))
    }
}

/// As GetCallerIdentity has it.
pub(super) fn identity(caller: &Caller) -> Identity {
    let id = |prefix: &str, name: &str| {
        let digest = hex(&sha256(format!("{}/{name}", caller.account).as_bytes())).to_ascii_uppercase();
        format!("{prefix}{}", digest.get(..17).unwrap_or_default())
    };
    let user_id = match &caller.principal {
        Principal::Root => caller.account.to_string(),
        Principal::User(name) => id("AIDA", name),
        Principal::Session { role, session } => format!("{}:{session}", id("AROA", role)),
    };
    Identity { account: caller.account.to_string(), arn: caller.arn(), user_id }
}

/// What was signed; nothing that fits any key if the request has no date.
fn string_to_sign(incoming: &Incoming, authorization: &Authorization) -> String {
    let header = |name: &str| {
        if name == "host" {
            return Some(incoming.host.clone());
        }
        let values: Vec<&str> = incoming.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let payload_hash = match incoming.header("x-amz-content-sha256") {
        Some(hash) => hash.to_owned(),
        None => hex(&sha256(&incoming.body)),
    };
    let signed = Signed {
        method: incoming.method.as_str(),
        path: &incoming.path,
        query: &incoming.query,
        header: &header,
        payload_hash: &payload_hash,
    };
    signed.string_to_sign(authorization).unwrap_or_default()
}
