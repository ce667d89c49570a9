package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"

	"firehose-pipeline/cost"
	"firehose-pipeline/internal/awsclient"
)

// pricingClient asks in the region in which the Price List API is served, whatever the stack's.
func pricingClient(c aws.Config) *pricing.Client {
	return pricing.NewFromConfig(c, func(o *pricing.Options) {
		o.Region = cost.PriceListRegion
		o.HTTPClient = awsclient.ReadWhole(o.HTTPClient, o.BaseEndpoint)
	})
}

// refreshPrices asks AWS for prices and writes the file, which is replaced as a whole.
func (l *costCommand) refreshPrices(ctx context.Context) error {
	name, err := l.priceFile()
	if err != nil {
		return err
	}
	config, err := l.account.loadConfig(ctx)
	if err != nil {
		return err
	}
	base := cost.BuiltInPrices()
	l.screen.beginCount("asking for prices", int64(len(base.Prices)))
	prices, misses, err := cost.Refresh(ctx, pricingClient(config), config.Region, base, time.Now(),
		func() { l.screen.advanceBar(1) })
	l.screen.endStep()
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: no prices were written", errInterrupted)
		}
		return err
	}
	text, err := json.MarshalIndent(prices, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the prices: %w", err)
	}
	if err := replaceFile(name, append(text, '\n')); err != nil {
		return fmt.Errorf("writing the prices: %w", err)
	}
	l.screen.printLine("%s: %s of %s from AWS's Price List", name,
		count(int64(len(prices.Prices)-len(misses)), "price"), prices.Region)
	for _, miss := range misses {
		l.screen.printLine("  %s: %s: %s", miss.ID, miss.Why, keptText(prices, base))
	}
	if len(misses) == len(prices.Prices) {
		return errors.New("AWS's Price List gave no price at all")
	}
	return nil
}

// keptText tells the fate of a price that was not found.
func keptText(prices, base *cost.Prices) string {
	if prices.Region == base.Region {
		return "the command's own price stays"
	}
	return "unknown in this region"
}

// replaceFile writes a file beside its place and moves it there.
func replaceFile(name string, text []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// priceFile is where the project's prices are.
func (l *costCommand) priceFile() (string, error) {
	if l.prices != "" {
		return l.prices, nil
	}
	root, err := findProject(l.project)
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".build", "prices.json"), nil
}

// loadPrices reads the file of prices, or returns those that come with the command, with an empty name.
func (l *costCommand) loadPrices() (*cost.Prices, string, error) {
	name, err := l.priceFile()
	if err != nil { // outside a project
		return cost.BuiltInPrices(), "", nil
	}
	file, err := os.Open(name)
	switch {
	case errors.Is(err, os.ErrNotExist) && l.prices == "":
		return cost.BuiltInPrices(), "", nil
	case err != nil:
		return nil, "", usage("--prices: %w", err)
	}
	defer file.Close()
	prices, err := cost.ReadPrices(file)
	if err != nil {
		return nil, "", usage("--prices: %s: %w", name, err)
	}
	if age := time.Since(mustParseDay(prices.Date)); age > oldPrices {
		l.screen.printLine("note: %s: its prices are %d days old; --refresh renews them", name, int(age.Hours()/24))
	}
	return prices, name, nil
}

// oldPrices is the age at which a file of prices is called old.
const oldPrices = 90 * 24 * time.Hour

// mustParseDay parses the day of a file that has been checked.
func mustParseDay(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t
}
