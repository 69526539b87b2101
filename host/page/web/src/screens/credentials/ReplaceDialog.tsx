/** To enter credentials anew: every field, and at once a test of what was entered. */

import { useState } from "react";

import type { Connector, Credential, CredentialTest } from "../../api/types";
import { useLanguage } from "../../i18n";
import { Button, Dialog } from "../../ui";
import { methodsOf } from "./actions";
import { CredentialForm } from "./CredentialForm";
import { TestResult } from "./TestResult";
import "./credentials.css";

export function ReplaceDialog({ credential, connector, onClose }: { credential: Credential; connector: Connector | undefined; onClose: () => void }) {
  const { t, text } = useLanguage();
  const [test, setTest] = useState<CredentialTest | null>(null);
  const title = t("credentials.replace.of", { name: credential.name });
  if (connector === undefined) return null;
  if (test !== null) {
    return (
      <Dialog isOpen onClose={onClose} size="md" title={title} actions={<Button look="primary" onPress={onClose}>{t("credentials.done")}</Button>}>
        <TestResult test={test} system={text(connector.title)} />
      </Dialog>
    );
  }
  return (
    <Dialog isOpen onClose={onClose} size="lg" title={title}>
      {methodsOf(connector, credential).some((method) => !method.sign_in) && <p>{t("credentials.replace.text")}</p>}
      {methodsOf(connector, credential).length === 0 && (
        <>
          <p>{t("connect.fixed")}</p>
          <div className="dialog-actions">
            <Button look="primary" onPress={onClose}>
              {t("action.close")}
            </Button>
          </div>
        </>
      )}
      <CredentialForm
        connector={connector}
        taken={[]}
        existing={credential}
        onDone={(_, result) => setTest(result)}
        footer={(submit) => (
          <div className="dialog-actions">
            <Button onPress={onClose}>{t("action.cancel")}</Button>
            {submit}
          </div>
        )}
      />
    </Dialog>
  );
}
