"""Tokens: one for many, renewed in time, of the right tenant, and told apart when refused (Microsoft: reference 6)."""

import threading
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from agent.domain.counts import Account
from agent.errors import AccessDenied, CredentialsRejected, ReadFailed, TrueupError, Unreachable
from agent.simulators.microsoft import READ_LICENCES, Tenant
from agent.sources.microsoft import Certificate, ClientSecret
from tests.sources.office import APP, CONTOSO_ACCOUNT, GRAPH, LOGIN, MARCH, SECRET, Office


def tokens_asked(office: Office) -> int:
    return sum(request.endswith("/token") for request in office.requests)


class TestRenewal:
    def test_token_serves_until_ten_minutes_before_its_end(self, office: Office) -> None:
        """3,599 seconds: at minute 45 the same token, at minute 51 a new one."""
        source = office.source()
        source.observe(CONTOSO_ACCOUNT)
        office.sleep(45 * 60)
        source.observe(CONTOSO_ACCOUNT)
        assert tokens_asked(office) == 1
        office.sleep(6 * 60)
        source.observe(CONTOSO_ACCOUNT)
        assert tokens_asked(office) == 2

    def test_token_still_good_outlives_a_login_that_is_down(self, office: Office) -> None:
        """Five minutes before its end the login answers 503: the old token goes on; after its end there is none."""
        source = office.source()
        source.observe(CONTOSO_ACCOUNT)
        office.sleep(55 * 60)
        office.microsoft.login.refuse(90033)
        source.observe(CONTOSO_ACCOUNT)
        office.sleep(10 * 60)
        with pytest.raises(Unreachable):
            source.observe(CONTOSO_ACCOUNT)

    def test_twenty_threads_cost_one_token(self, office: Office) -> None:
        """On a cold start all wait for the first."""
        source = office.source()
        threads = [threading.Thread(target=source.observe, args=(CONTOSO_ACCOUNT,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert tokens_asked(office) == 1

    def test_revoked_token_is_replaced_once(self, office: Office, contoso: Tenant) -> None:
        """Graph's challenge says from when tokens count; the next one answers it."""
        source = office.source()
        source.observe(CONTOSO_ACCOUNT)
        contoso.revoke_tokens()
        office.sleep(1)
        source.observe(CONTOSO_ACCOUNT)
        assert tokens_asked(office) == 2
        claims = office.microsoft.log[-2].request.body
        assert b"claims=" in claims
        office.microsoft.log.clear()  # `claims` is a parameter that the description leaves out

    def test_token_refused_twice_is_the_tenants_matter(self, office: Office, contoso: Tenant) -> None:
        """A new token that is refused as well will not get better by asking."""
        source = office.source()
        source.observe(CONTOSO_ACCOUNT)
        office.microsoft.clock.advance(days=1)
        contoso.revoke_tokens()
        with pytest.raises(AccessDenied, match="does not accept"):
            source.observe(CONTOSO_ACCOUNT)
        office.microsoft.log.clear()


class TestRefusal:
    @pytest.mark.parametrize(
        ("code", "kind", "sentence"),
        [
            (700016, AccessDenied, "no consent"),
            (7000112, AccessDenied, "no consent"),
            (65001, AccessDenied, "no consent"),
            (90002, AccessDenied, "no such tenant"),
            (53003, AccessDenied, "Conditional Access"),
            (500011, AccessDenied, "not available"),
            (650052, AccessDenied, "not available"),
            (7000215, CredentialsRejected, "secret"),
            (7000222, CredentialsRejected, "secret"),
            (700027, CredentialsRejected, "certificate"),
            (700024, CredentialsRejected, "within its time"),
            (50196, CredentialsRejected, "too often"),
            (90033, Unreachable, "busy|503"),
            (90055, Unreachable, "fewer requests"),
        ],
    )
    def test_every_code_has_its_class_and_its_words(
        self, office: Office, code: int, kind: type[ReadFailed], sentence: str
    ) -> None:
        """One tenant's matter, everybody's matter, or a matter of time; each with a remedy and without secrets."""
        office.microsoft.login.refuse(code)
        with pytest.raises(kind, match=sentence) as caught:
            office.observe()
        assert caught.value.remedy
        assert SECRET not in f"{caught.value} {caught.value.remedy}"

    def test_wrong_secret_is_everybodys_matter(self, office: Office) -> None:
        """The engine stops at this, so that a thousand tenants are not asked in vain."""
        with pytest.raises(CredentialsRejected, match="AADSTS7000215"):
            office.observe(credential=ClientSecret(lambda: "wrong"))

    def test_consent_withdrawn_is_the_tenants_matter(self, office: Office, contoso: Tenant) -> None:
        """It comes as 400 unauthorized_client and must not look like no licences."""
        contoso.withdraw_consent(APP)
        with pytest.raises(AccessDenied, match="AADSTS700016"):
            office.observe()

    def test_consent_given_again_counts_at_once(self, office: Office, contoso: Tenant) -> None:
        """Who has just consented and presses *sync now* must not be told that they have not."""
        source = office.source()
        contoso.withdraw_consent(APP)
        with pytest.raises(AccessDenied):
            source.observe(CONTOSO_ACCOUNT)
        contoso.consent(APP)
        assert source.observe(CONTOSO_ACCOUNT).observations

    def test_replaced_secret_counts_without_a_restart(self, office: Office) -> None:
        """Once refused, the secret is read again, for every tenant."""
        fabrikam = office.add_tenant("4f1c0000-0000-4000-8000-000000000009", "Fabrikam")
        secrets = [SECRET, "replaced"]
        source = office.source(credential=ClientSecret(lambda: secrets[0]))
        accounts = [CONTOSO_ACCOUNT, Account("microsoft", fabrikam.id)]
        for account in accounts:
            source.observe(account)
        office.microsoft.login.applications[APP].secrets = {"replaced": None}
        office.microsoft.clock.advance(seconds=3600)
        with pytest.raises(CredentialsRejected):
            source.observe(CONTOSO_ACCOUNT)
        del secrets[0]
        for account in accounts:
            source.observe(account)

    def test_token_of_another_tenant_is_not_used(self, office: Office) -> None:
        """The login mixes up its tenants: nothing is read with what it gave."""
        other = office.add_tenant("4f1c0000-0000-4000-8000-000000000009", "Fabrikam")
        office.microsoft.tenants[CONTOSO_ACCOUNT.id] = other
        with pytest.raises(AccessDenied, match="another tenant"):
            office.observe()
        assert office.graph_requests == []

    def test_secret_that_cannot_be_read_stops_everything(self, office: Office) -> None:
        """The reference's own sentence and remedy come through."""

        def unreadable() -> str:
            raise TrueupError("The secret credential:graph is out of reach.", "Start Trueup with systemd.")

        with pytest.raises(CredentialsRejected, match="out of reach") as caught:
            office.observe(credential=ClientSecret(unreadable))
        assert caught.value.remedy == "Start Trueup with systemd."

    @pytest.mark.parametrize(
        ("login", "graph"),
        [(LOGIN, "https://graph.microsoft.us"), ("https://login.microsoftonline.us", GRAPH)],
    )
    def test_clouds_do_not_mix(self, office: Office, login: str, graph: str) -> None:
        """A token of one cloud is worthless in another; that is said at the start."""
        with pytest.raises(CredentialsRejected, match="different Microsoft clouds"):
            office.source(login_url=login, graph_url=graph)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate_of(key: rsa.RSAPrivateKey, days: int = 365) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Trueup")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(MARCH).not_valid_after(MARCH + timedelta(days=days))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> str:
    protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, protection).decode()


class TestCertificate:
    def test_one_key_signs_for_every_tenant(self, office: Office, key: rsa.RSAPrivateKey) -> None:
        """PS256 with the SHA-256 thumbprint, accepted by a login that checks it; the PEM is read once."""
        certificate, read = certificate_of(key), []
        office.microsoft.login.register(APP, certificate=certificate)
        other = office.add_tenant("4f1c0000-0000-4000-8000-000000000009", "Fabrikam")
        other.add_subscription("SPB", 2)

        def pem() -> str:
            read.append(1)
            return certificate + pem_of(key)

        source = office.source(credential=Certificate(pem))
        for tenant in (CONTOSO_ACCOUNT.id, other.id):
            assert source.observe(type(CONTOSO_ACCOUNT)("microsoft", tenant)).observations
        assert read == [1]

    def test_encrypted_key_needs_its_passphrase(self, office: Office, key: rsa.RSAPrivateKey) -> None:
        """With it the tenant is read, without it or with another one the credential is refused."""
        certificate = certificate_of(key)
        office.microsoft.login.register(APP, certificate=certificate)
        pem = certificate + pem_of(key, b"open sesame")
        assert office.observe(credential=Certificate(lambda: pem, lambda: "open sesame")).observations
        for passphrase in (None, lambda: "wrong"):
            with pytest.raises(CredentialsRejected, match="private key"):
                office.observe(credential=Certificate(lambda: pem, passphrase))

    def test_certificate_that_the_app_does_not_know(self, office: Office, key: rsa.RSAPrivateKey) -> None:
        """Signed by a key whose certificate was never uploaded."""
        stranger = rsa.generate_private_key(65537, 2048)
        office.microsoft.login.register(APP, certificate=certificate_of(key))
        pem = certificate_of(stranger) + pem_of(stranger)
        with pytest.raises(CredentialsRejected, match="not accepted"):
            office.observe(credential=Certificate(lambda: pem))

    def test_useless_pem_is_said_before_anything_is_sent(self, office: Office, key: rsa.RSAPrivateKey) -> None:
        """No key, no certificate, another key's certificate, a key of the wrong kind, no PEM at all."""
        other = rsa.generate_private_key(65537, 2048)
        elliptic = ec.generate_private_key(ec.SECP256R1())
        useless = [certificate_of(key), pem_of(key), certificate_of(other) + pem_of(key), pem_of(elliptic), "canary"]
        for pem in useless:
            with pytest.raises(CredentialsRejected) as caught:
                office.observe(credential=Certificate(lambda pem=pem: pem))
            assert "canary" not in str(caught.value)
        assert office.requests == []

    @pytest.mark.parametrize(
        ("days", "severities"), [(31, []), (29, ["info"]), (13, ["warning"]), (2, ["error"]), (-1, ["error"])]
    )
    def test_expiry_is_announced(
        self, office: Office, key: rsa.RSAPrivateKey, days: int, severities: list[str]
    ) -> None:
        """In the last 30, 14 and 3 days, and louder each time."""
        certificate = certificate_of(key, 60)
        office.microsoft.login.register(APP, certificate=certificate)
        office.sleep((60 - days) * 86_400)
        source = office.source(credential=Certificate(lambda: certificate + pem_of(key)))
        findings = source.check(CONTOSO_ACCOUNT)
        assert [finding.severity for finding in findings] == severities
        assert {finding.code for finding in findings} <= {"credential-expiring"}

    @pytest.mark.parametrize(
        ("days", "severities"), [(30, []), (29, ["info"]), (13, ["warning"]), (2, ["error"]), (-2, ["error"])]
    )
    def test_end_of_a_secret_is_announced_where_it_was_told(
        self, office: Office, days: int, severities: list[str]
    ) -> None:
        """A secret does not tell its own end; its last day counts in full, so 30 days before are still more than 30."""
        ends = (MARCH + timedelta(days=days)).date()
        found = office.source(credential=ClientSecret(lambda: SECRET, ends)).check(CONTOSO_ACCOUNT)
        assert [finding.severity for finding in found] == severities
        assert {finding.subject for finding in found} <= {"microsoft/client-secret"}


class TestRights:
    def test_exactly_enough_is_no_finding(self, office: Office) -> None:
        """Organization.Read.All and User.Read.All, nothing more."""
        assert office.source().check(CONTOSO_ACCOUNT) == []

    def test_missing_rights_are_named(self, office: Office, contoso: Tenant) -> None:
        """All at once, with the link to consent."""
        contoso.consent(APP, [])
        with pytest.raises(AccessDenied, match=r"Organization\.Read\.All and User\.Read\.All"):
            office.source().check(CONTOSO_ACCOUNT)

    def test_rights_to_write_are_an_error(self, office: Office, contoso: Tenant) -> None:
        """A thief of our credential could change every tenant; a reading right too many is a warning."""
        contoso.consent(APP, [*READ_LICENCES, "Directory.ReadWrite.All", "Mail.Read", "Mail.Send"])
        found = {finding.subject.split("/")[1]: finding.severity for finding in office.source().check(CONTOSO_ACCOUNT)}
        assert found == {"Directory.ReadWrite.All": "error", "Mail.Read": "warning", "Mail.Send": "error"}

    def test_wider_right_does_the_job_and_is_a_finding(self, office: Office, contoso: Tenant) -> None:
        """Directory.Read.All reads licences and users too, and much else."""
        contoso.consent(APP, ["Directory.Read.All"])
        (finding,) = office.source().check(CONTOSO_ACCOUNT)
        assert (finding.code, finding.severity) == ("permission-too-wide", "warning")
