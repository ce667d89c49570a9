package settings

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// VPC is the place of the search domain. The zero value is a domain with a public endpoint.
type VPC struct {
	New      bool         // the stack makes a VPC of its own
	Existing *ExistingVPC // nil: none is given
}

// ExistingVPC is a VPC that the stack is put into. It is given by attributes: a lookup would tie the template to one
// account and region.
type ExistingVPC struct {
	ID      string   `json:"id"`
	Subnets []string `json:"subnets"` // one a zone of the domain
	// Zones are those of the subnets, in the same order, or none. The template has no use for them; with them synth finds
	// a second subnet in one zone, which AWS rejects.
	Zones []string `json:"zones,omitempty"`
	// ClientSecurityGroup is the group of the machines that may ask the domain. Without it the stack makes an empty one.
	ClientSecurityGroup string `json:"clientSecurityGroup,omitempty"`
}

// Inside reports whether the domain is in a VPC.
func (v VPC) Inside() bool { return v.New || v.Existing != nil }

// MarshalJSON writes the VPC as the context gives it.
func (v VPC) MarshalJSON() ([]byte, error) { return vpc{&v}.encodeValue(), nil }

// vpc is the choice of a VPC: a word, or an existing one as an object or as the JSON of one in a string, for the
// command line's -c.
type vpc struct{ to *VPC }

var (
	vpcForm           = resourceForm("vpc")
	subnetForm        = resourceForm("subnet")
	securityGroupForm = resourceForm("sg")
	// zoneForm: eu-west-1a, us-gov-east-1b. Local zones and Wavelength zones (us-west-2-lax-1a) have no OpenSearch
	// Service.
	zoneForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+[a-z]$`)
)

// resourceForm matches the ids of a kind: 8 hexadecimal digits before 2016, 17 since.
func resourceForm(kind string) *regexp.Regexp {
	return regexp.MustCompile(`^` + kind + `-([0-9a-f]{8}|[0-9a-f]{17})$`)
}

func (f vpc) describeRange() string {
	return "none, new or an existing VPC as an object with id and subnets"
}

func (f vpc) setValue(raw json.RawMessage) string {
	var texts []string
	for _, c := range f.setMembers(raw) {
		texts = append(texts, c.text)
	}
	return strings.Join(texts, "; ")
}

// setMembers sets the VPC like setValue, and returns the errors of each member.
func (f vpc) setMembers(raw json.RawMessage) []complaint {
	whole := func() []complaint { return []complaint{{text: rejectValue(f, raw)}} }
	text := raw
	if s, isString := decodeString(raw); isString {
		switch {
		case s == "none":
			*f.to = VPC{}
			return nil
		case s == "new":
			*f.to = VPC{New: true}
			return nil
		case !strings.HasPrefix(strings.TrimSpace(s), "{"):
			return whole()
		}
		text = json.RawMessage(strings.TrimSpace(s))
	}
	members, err := objectOf(text)
	if err != nil {
		return whole()
	}
	existing, complaints := readExisting(members)
	if complaints == nil {
		*f.to = VPC{Existing: existing}
	}
	return complaints
}

func (f vpc) encodeValue() json.RawMessage {
	switch {
	case f.to.New:
		return encodeJSON("new")
	case f.to.Existing != nil:
		return encodeJSON(f.to.Existing)
	}
	return encodeJSON("none")
}

// member is one member of the object, which is a field like those of the settings.
type member struct {
	key      string
	field    field
	required bool
}

// vpcMembers returns the members of the object, pointed at the fields of existing.
func vpcMembers(existing *ExistingVPC) []member {
	return []member{
		{"id", text{to: &existing.ID, rule: "an id such as vpc-0123456789abcdef0", form: vpcForm}, true},
		{
			"subnets",
			list{to: &existing.Subnets, rule: "a list of 1 to 3 ids such as subnet-0123456789abcdef0", form: subnetForm},
			true,
		},
		{"zones", list{to: &existing.Zones, rule: "a list of the subnets' zones, such as eu-west-1a", form: zoneForm}, false},
		{
			"clientSecurityGroup",
			text{to: &existing.ClientSecurityGroup, rule: "an id such as sg-0123456789abcdef0", form: securityGroupForm},
			false,
		},
	}
}

// readExisting reads the members and reports all their errors, in the order of the struct, unknown ones last.
func readExisting(given []entry) (*ExistingVPC, []complaint) {
	var existing ExistingVPC
	members := vpcMembers(&existing)
	var complaints []complaint
	complain := func(key, format string, args ...any) {
		complaints = append(complaints, complaint{key, fmt.Sprintf(format, args...)})
	}
	var keys []string
	for _, m := range members {
		keys = append(keys, m.key)
		of := slices.DeleteFunc(slices.Clone(given), func(e entry) bool { return e.key != m.key })
		switch {
		case len(of) > 1:
			complain(m.key, "given more than once")
		case len(of) == 1:
			if problem := m.field.setValue(of[0].raw); problem != "" {
				complain(m.key, "%s", problem)
			}
		case m.required:
			complain(m.key, "must be %s (is missing)", m.field.describeRange())
		}
	}
	if len(existing.Zones) == 0 {
		existing.Zones = nil // an empty list is none
	}
	if complaints == nil && len(existing.Subnets) == 0 {
		complain("subnets", "must be %s (got [])", members[1].field.describeRange())
	}
	if n := len(existing.Subnets); complaints == nil && len(existing.Zones) > 0 && len(existing.Zones) != n {
		complain("zones", "must name the zone of each of the %d subnets, in the same order (got %d)", n, len(existing.Zones))
	}
	for _, e := range given {
		if slices.Contains(keys, e.key) {
			continue
		}
		hint := " (accepted: " + strings.Join(keys, ", ") + ")"
		if near := suggestKey(e.key, keys); near != "" {
			hint = " (did you mean " + near + "?)"
		}
		complain(showKey(e.key), "unknown member%s", hint)
	}
	return &existing, complaints
}
