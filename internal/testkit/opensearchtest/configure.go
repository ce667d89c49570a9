package opensearchtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// writeConfiguration makes a folder with the configuration of a new, empty cluster.
func (s *Server) writeConfiguration() (err error) {
	if s.dir, err = os.MkdirTemp("", "opensearch-"); err != nil {
		return err
	}
	for _, name := range []string{"config/opensearch-security", "data", "logs", "tmp"} {
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o755); err != nil {
			return err
		}
	}
	if err := os.CopyFS(filepath.Join(s.dir, "config"), os.DirFS(filepath.Join(s.home, "config"))); err != nil {
		return err
	}
	if err := s.makeCertificates(); err != nil {
		return err
	}
	port := s.o.Port
	if port == 0 {
		if port, err = freePort(); err != nil {
			return err
		}
	}
	transport, err := freePort()
	if err != nil {
		return err
	}
	s.URL = &url.URL{Scheme: "https", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	node := fmt.Sprintf(settings, s.dir, port, transport)
	if s.secured() {
		node += securitySettings
	} else {
		s.URL.Scheme = "http"
	}
	if s.StateManagement() {
		node += stateManagementSettings
	}
	files := map[string]string{"opensearch.yml": node, "jvm.options": jvmOptions + s.agentOptions()}
	for name, text := range security {
		files["opensearch-security/"+name+".yml"] = fmt.Sprintf("_meta:\n  type: %q\n  config_version: 2\n%s",
			metaType(name), text)
	}
	for name, text := range files {
		path := filepath.Join(s.dir, "config", name)
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return giveAway(s.dir)
}

// settings: the node's certificates name 127.0.0.1; a disk that others have filled must not make indices read-only.
const settings = `cluster.name: firehose-pipeline
node.name: node-1
path.data: %[1]s/data
path.logs: %[1]s/logs
network.host: 127.0.0.1
http.port: %[2]d
transport.port: %[3]d
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
`

const securitySettings = `plugins.security.ssl.transport.pemcert_filepath: node.pem
plugins.security.ssl.transport.pemkey_filepath: node.key
plugins.security.ssl.transport.pemtrustedcas_filepath: ca.pem
plugins.security.ssl.transport.enforce_hostname_verification: false
plugins.security.ssl.http.enabled: true
plugins.security.ssl.http.pemcert_filepath: node.pem
plugins.security.ssl.http.pemkey_filepath: node.key
plugins.security.ssl.http.pemtrustedcas_filepath: ca.pem
plugins.security.ssl.http.clientauth_mode: OPTIONAL
plugins.security.nodes_dn: ["CN=node"]
plugins.security.authcz.admin_dn: ["CN=admin"]
plugins.security.allow_default_init_securityindex: true
plugins.security.restapi.roles_enabled: [all_access, security_manager]
plugins.security.audit.type: log4j
`

// stateManagementSettings let the jobs run each minute, and protect their index as a domain does.
const stateManagementSettings = `plugins.index_state_management.job_interval: 1
plugins.index_state_management.jitter: 0.0
plugins.security.system_indices.enabled: true
plugins.security.system_indices.indices: [".opendistro-ism-config", ".opendistro-ism-managed-index-history*"]
`

// agentOptions are those of 3.x, whose own agent has the place of Java's security manager.
func (s *Server) agentOptions() string {
	agent := filepath.Join(s.home, "agent", "opensearch-agent.jar")
	if _, err := os.Stat(agent); err != nil {
		return "18-:-Djava.security.manager=allow\n"
	}
	return "-javaagent:" + agent + "\n--add-opens=java.base/java.nio=ALL-UNNAMED\n--add-modules=jdk.incubator.vector\n"
}

// jvmOptions are OpenSearch's own without the log of the garbage collector, which goes to the installation's folder.
const jvmOptions = `-Xms1g
-Xmx1g
-XX:+UseG1GC
-XX:-UsePerfData
-Djava.io.tmpdir=${OPENSEARCH_TMPDIR}
-Djava.util.concurrent.ForkJoinPool.common.threadFactory=org.opensearch.secure_sm.SecuredForkJoinWorkerThreadFactory
`

// security is the initial configuration of the security plugin, as close to a domain with an IAM master role as there
// is: the master role is mapped to all_access and security_manager, and nobody else to anything. The latter is a role
// of Amazon OpenSearch Service only; here its rights come from plugins.security.restapi.roles_enabled.
var security = map[string]string{
	"config": `config:
  dynamic:
    http:
      anonymous_auth_enabled: false
    authc:
      basic:
        http_enabled: true
        transport_enabled: true
        order: 0
        http_authenticator: {type: basic, challenge: false}
        authentication_backend: {type: intern}
`,
	"roles": `security_manager:
  reserved: false
  cluster_permissions: [cluster_monitor]
`,
	"roles_mapping": `all_access:
  reserved: false
  backend_roles: ["` + MasterARN + `"]
security_manager:
  reserved: false
  backend_roles: ["` + MasterARN + `"]
`,
	"audit": `config:
  enabled: false
`,
	"internal_users": "", "action_groups": "", "tenants": "", "nodes_dn": "", "allowlist": "config:\n  enabled: false\n",
}

func metaType(file string) string {
	switch file {
	case "internal_users":
		return "internalusers"
	case "action_groups":
		return "actiongroups"
	case "roles_mapping":
		return "rolesmapping"
	case "nodes_dn":
		return "nodesdn"
	}
	return file
}

// makeCertificates makes an authority and the certificates that it signs: the node's, for both transports, and the
// administrator's.
func (s *Server) makeCertificates() error {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 30),
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	if err != nil {
		return err
	}
	s.CAFile = filepath.Join(s.dir, "ca.pem")
	for _, name := range []string{s.CAFile, filepath.Join(s.dir, "config", "ca.pem")} {
		if err := os.WriteFile(name, encodePEM("CERTIFICATE", signed), 0o644); err != nil {
			return err
		}
	}
	s.ca = x509.NewCertPool()
	s.ca.AppendCertsFromPEM(encodePEM("CERTIFICATE", signed))
	for serial, name := range []string{"node", "admin"} {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		certificate := &x509.Certificate{
			SerialNumber: big.NewInt(int64(serial + 2)), Subject: pkix.Name{CommonName: name},
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
			NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		}
		signed, err := x509.CreateCertificate(rand.Reader, certificate, authority, own.Public(), key)
		if err != nil {
			return err
		}
		secret, err := x509.MarshalPKCS8PrivateKey(own)
		if err != nil {
			return err
		}
		if name == "admin" {
			identity := tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: own}
			config := &tls.Config{RootCAs: s.ca, Certificates: []tls.Certificate{identity}}
			s.admin = &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
			break
		}
		for suffix, content := range map[string][]byte{
			".pem": encodePEM("CERTIFICATE", signed), ".key": encodePEM("PRIVATE KEY", secret),
		} {
			if err := os.WriteFile(filepath.Join(s.dir, "config", name+suffix), content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func encodePEM(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}
