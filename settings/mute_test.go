package settings

import "testing"

func TestMuteSchedule(t *testing.T) {
	for text, want := range map[string]*MuteSchedule{
		"":                                     nil,
		"cron(0 2 * * SUN) PT4H Europe/Berlin": {"cron(0 2 * * SUN)", "PT4H", "Europe/Berlin"},
		"at(2027-01-31T08:00) P1DT30M":         {"at(2027-01-31T08:00)", "P1DT30M", ""},
	} {
		got := Settings{AlarmMuteSchedule: text}.MuteSchedule()
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%q: must be %v (got %v)", text, want, got)
		}
	}
}

func TestUnfitMute(t *testing.T) {
	for text, accepted := range map[string]bool{
		"cron(* * * * *) PT1M":                    true,
		"cron(0,15,30-45 0-23 1 JAN,3-12 *) P15D": true,
		"cron(0 0 * * MON-FRI) PT24H UTC":         true,
		"cron(0 0 * * FRI-MON) PT24H":             false,
		"cron(60 0 * * *) PT24H":                  false,
		"cron(0 0 * 13 *) PT24H":                  false,
		"cron(0 0 0 * *) PT24H":                   false,
		"cron(0 */2 * * *) PT1H":                  false,
		"cron(0 0 ? * SUN) PT1H":                  false,
		"cron(0  0 * * SUN) PT1H":                 false,
		"cron(0 0 * * SUN) P1W":                   false,
		"cron(0 0 * * SUN) PT":                    false,
		"cron(0 0 * * SUN) PT0M":                  false,
		"cron(0 0 * * SUN) PT1H Local":            false,
		"at(2027-1-31T08:00) PT1H":                false,
	} {
		if got := unfitMute(text); (got == "") != accepted {
			t.Errorf("%s: accepted must be %v (got %q)", text, accepted, got)
		}
	}
}
