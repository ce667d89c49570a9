// Package importrules tests which package may reach which. docs/architecture.md explains the rules.
package importrules
